/** The whole look of a page: system fonts, both colour schemes, narrow windows, paper. Every pair of colours has a contrast of 4.5 at least. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f7f7f5;--card:#fff;--text:#1c1e21;--muted:#555b63;--line:#d5d8dd;--accent:#1d4ed8;
--ok:#0f5f2f;--ok-bg:#e2f4e8;--bad:#971b1b;--bad-bg:#fde8e8;--warn:#724600;--warn-bg:#fdf0d3;--calm:#3a4149;--calm-bg:#eaecef}
@media (prefers-color-scheme:dark){:root{--bg:#131519;--card:#1b1e24;--text:#e8eaed;--muted:#a9b0ba;--line:#363c46;
--accent:#8fb7ff;--ok:#8be3aa;--ok-bg:#11321e;--bad:#ffb3b3;--bad-bg:#43191b;--warn:#f6d182;--warn-bg:#3a2c0a;--calm:#c8ced7;--calm-bg:#2a2f38}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main,header,footer{max-width:64rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.5rem}
footer{padding-top:.5rem;padding-bottom:2rem;color:var(--muted);font-size:.875rem}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem .75rem;z-index:1}
.kicker{margin:0;color:var(--muted);font-size:.875rem;letter-spacing:.02em}
h1{margin:.125rem 0 .25rem;font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}
h2{margin:2rem 0 .5rem;font-size:1.125rem}
h3{margin:1rem 0 .25rem;font-size:1rem}
p{margin:.25rem 0 .5rem;overflow-wrap:anywhere}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em;overflow-wrap:anywhere}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:2px}
.muted{color:var(--muted)}
.banner{display:flex;gap:.75rem;align-items:flex-start;margin:1rem 0;padding:.875rem 1rem;border-radius:.5rem;border:1px solid currentColor}
.banner strong{display:block;font-size:1.125rem;line-height:1.3}
.banner p{margin:.125rem 0 0}
.banner p,.banner ul,.banner dl{color:var(--text);overflow-wrap:anywhere}
.mark{font-size:1.25rem;line-height:1.2}
.ok{color:var(--ok);background:var(--ok-bg)}
.bad{color:var(--bad);background:var(--bad-bg)}
.warn{color:var(--warn);background:var(--warn-bg)}
.calm{color:var(--calm);background:var(--calm-bg)}
.badge{display:inline-block;padding:.0625rem .5rem;border-radius:1rem;font-size:.8125rem;font-weight:600;white-space:nowrap}
.notice{margin:.5rem 0;padding:.5rem .75rem;border-left:4px solid var(--warn);background:var(--warn-bg);color:var(--text);overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:fit-content(14rem) minmax(0,1fr);gap:.125rem 1rem;margin:.5rem 0}
.facts dt{color:var(--muted);min-width:6rem;overflow-wrap:anywhere}
.facts dd{margin:0;overflow-wrap:anywhere}
.numbers{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;margin:.5rem 0 0;padding:0;list-style:none;color:var(--muted)}
.numbers b{color:var(--text)}
.tree,.tree ul{list-style:none;margin:0;padding:0}
.tree ul{margin-left:.6875rem;padding-left:1rem;border-left:2px solid var(--line)}
.tree li{margin:.375rem 0}
.node{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.375rem .75rem}
.node>summary,.node.flat{display:flex;flex-wrap:wrap;gap:.125rem .625rem;align-items:baseline}
.node>summary{cursor:pointer;list-style:none}
.node>summary::-webkit-details-marker{display:none}
.node>summary::before{content:"▸";color:var(--muted);width:.75rem}
.node[open]>summary::before{content:"▾"}
.node.flat::before{content:"";width:.75rem}
.node .name{font-weight:600;overflow-wrap:anywhere}
.node .who{flex-basis:100%;padding-left:1.375rem;color:var(--muted);font-size:.875rem;overflow-wrap:anywhere}
.fold{margin:.5rem 0}
.fold>summary{cursor:pointer;font-weight:600}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem;background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:.875rem}
caption{padding:.5rem .75rem;text-align:left;color:var(--muted)}
th,td{padding:.375rem .75rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
th{white-space:nowrap}
td{overflow-wrap:anywhere;min-width:6rem}
td:has(>code){min-width:11rem}
tbody th{font-weight:600;white-space:normal;overflow-wrap:anywhere;min-width:8rem}
.finding{margin:.5rem 0;padding:.5rem .75rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem;overflow-wrap:anywhere}
.finding p{margin:.125rem 0}
ul.plain{margin:.25rem 0;padding-left:1.25rem;overflow-wrap:anywhere}
@media (max-width:40rem){.facts{grid-template-columns:minmax(0,1fr);gap:0}.facts dd{margin-bottom:.375rem}.tree ul{margin-left:.25rem;padding-left:.5rem}h1{font-size:1.25rem}}
@media print{:root{--bg:#fff;--card:#fff;--text:#000;--muted:#444;--line:#bbb;--ok:#0f5f2f;--ok-bg:#fff;--bad:#971b1b;--bad-bg:#fff;--warn:#724600;--warn-bg:#fff;--calm:#333;--calm-bg:#fff;--accent:#000}
.skip{display:none}.scroll{overflow:visible}.node,.finding,tr{break-inside:avoid}details::details-content{content-visibility:visible;display:block;block-size:auto}
body{font-size:11pt}}
`
