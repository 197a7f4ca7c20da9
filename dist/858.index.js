export const id = 858;
export const ids = [858];
export const modules = {

/***/ 25858:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  runComment: () => (/* binding */ runComment)
});

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(76760);
// EXTERNAL MODULE: ./lib/core/error.js
var core_error = __webpack_require__(11105);
// EXTERNAL MODULE: ./lib/github/api.js
var github_api = __webpack_require__(87671);
// EXTERNAL MODULE: ./lib/github/commands.js + 2 modules
var commands = __webpack_require__(73355);
// EXTERNAL MODULE: ./lib/core/digest.js
var digest = __webpack_require__(53871);
// EXTERNAL MODULE: ./lib/github/attest-inputs.js + 2 modules
var attest_inputs = __webpack_require__(20247);
// EXTERNAL MODULE: ./lib/github/input-table.js
var input_table = __webpack_require__(58894);
// EXTERNAL MODULE: ./lib/github/inputs.js
var github_inputs = __webpack_require__(96174);
;// CONCATENATED MODULE: ./lib/github/comment-inputs.js





/** @throws `entry/input-unsupported`, `entry/input-malformed` */
function readCommentInputs(env) {
    const inputs = new github_inputs/* Inputs */.G0(env, input_table/* COMMENT_INPUTS */.k0);
    const githubToken = inputs.text('github-token');
    if (githubToken === undefined)
        throw (0,core_error/* fail */.fJ)('entry/input-malformed', 'There is no token to comment with', {
            expected: 'github-token',
            found: 'nothing',
            // biome-ignore lint/suspicious/noTemplateCurlyInString: this is an expression of GitHub Actions
            remedy: 'Leave github-token away: its default is ${{ github.token }}.',
        });
    const since = inputs.text('since');
    if (since !== undefined && !(0,digest/* isCommitId */.jh)(since))
        throw (0,github_inputs/* malformed */.Qm)('since', 'the full id of a commit', since);
    return {
        artifact: inputs.text('artifact') ?? 'waybill-*',
        ...(0,attest_inputs/* maybe */.no)('policy', inputs.text('policy')),
        ...(0,attest_inputs/* maybe */.no)('since', since),
        githubToken,
    };
}

// EXTERNAL MODULE: ./lib/github/context.js
var github_context = __webpack_require__(88120);
// EXTERNAL MODULE: ./lib/github/runner-files.js
var runner_files = __webpack_require__(53295);
// EXTERNAL MODULE: ./lib/core/shape.js
var shape = __webpack_require__(49214);
// EXTERNAL MODULE: ./lib/core/text.js
var core_text = __webpack_require__(69716);
// EXTERNAL MODULE: ./lib/github/ref.js
var ref = __webpack_require__(50550);
// EXTERNAL MODULE: ./lib/github/wire.js
var wire = __webpack_require__(73510);
;// CONCATENATED MODULE: ./lib/github/workflow-run.js







const DEPENDABOT = 'dependabot[bot]';
/**
 * The run of a `workflow_run` event, by the API: the payload says only which one it is.
 * @returns undefined for the run of another event than `pull_request`.
 * @throws `github/event-refused`, `github/event-malformed`, `github/run-not-found`, and what the API throws
 */
async function endedRun(api, { eventName, repository, repositoryId }, payload) {
    if (eventName !== 'workflow_run')
        throw (0,core_error/* fail */.fJ)('github/event-refused', `The companion does nothing on ${(0,core_text/* printable */.g$)(eventName, 60)}`, {
            expected: 'workflow_run',
            found: eventName,
            remedy: 'Put the step into a workflow of its own: on: { workflow_run: { workflows: [NAME], types: [completed] } }',
        });
    const { id, attempt, actor } = named(payload);
    const question = { of: `run ${id} of ${repository}`, permission: 'actions: read' };
    const answer = await api.get(`${pathOf(repository)}/actions/runs/${id}/attempts/${attempt}`, question);
    const run = (0,github_api/* shaped */.e)(question, () => runAt((0,shape/* objectAt */.lJ)(answer, 'run')));
    if (run.repositoryId !== Number(repositoryId))
        throw notThis('a run of another repository');
    if (run.event !== 'pull_request' || run.headRepository === undefined)
        return undefined;
    const { head, headBranch, headRepository, workflow } = run;
    const fromOutside = headRepository.id !== run.repositoryId || actor === DEPENDABOT;
    return { id: String(id), attempt: String(attempt), head, headBranch, headRepository, workflow, fromOutside };
}
function named(payload) {
    try {
        const run = (0,shape/* objectAt */.lJ)(payload.workflow_run, 'workflow_run');
        const actor = run.actor === null || run.actor === undefined ? {} : (0,shape/* objectAt */.lJ)(run.actor, 'workflow_run.actor');
        return {
            id: (0,wire/* idAt */.jj)(run.id, 'workflow_run.id'),
            attempt: (0,wire/* idAt */.jj)(run.run_attempt, 'workflow_run.run_attempt'),
            actor: typeof actor.login === 'string' ? actor.login : '',
        };
    }
    catch (error) {
        throw (0,core_error/* fail */.fJ)('github/event-malformed', 'The event file of workflow_run is not as documented', {
            ...(error instanceof Error ? { found: error.message } : {}),
            cause: error,
        });
    }
}
function runAt(run) {
    const headRepository = (0,wire/* nullable */.me)(run.head_repository ?? null, repositoryAt, 'run.head_repository');
    const path = (0,shape/* stringAt */.bX)(run.path, 'run.path');
    return {
        repositoryId: (0,wire/* idAt */.jj)((0,shape/* objectAt */.lJ)(run.repository, 'run.repository').id, 'run.repository.id'),
        event: (0,shape/* stringAt */.bX)(run.event, 'run.event'),
        head: (0,wire/* commitIdAt */.kV)(run.head_sha, 'run.head_sha'),
        headBranch: (0,shape/* stringAt */.bX)(run.head_branch ?? '', 'run.head_branch'),
        workflow: path.split('@', 1)[0]?.split('/').at(-1) ?? path,
        ...(headRepository === undefined ? {} : { headRepository }),
    };
}
function repositoryAt(value, path) {
    const repository = (0,shape/* objectAt */.lJ)(value, path);
    const name = (0,shape/* stringAt */.bX)(repository.full_name, `${path}.full_name`);
    if (!/^[A-Za-z0-9_-]{1,100}\/[A-Za-z0-9._-]{1,100}$/.test(name))
        throw notThis('a head repository without a name');
    return { id: (0,wire/* idAt */.jj)(repository.id, `${path}.id`), name };
}
/**
 * The open pull request with this head, of this repository: by the API, never by what the run kept (8-report § 4).
 * @throws `github/run-not-found` when there is none, or more than one.
 */
async function pullOf(api, { repository, repositoryId }, run) {
    const question = { of: `the pull requests of ${repository}`, permission: 'pull-requests: read' };
    const [owner] = run.headRepository.name.split('/');
    const query = new URLSearchParams({ state: 'open', head: `${owner}:${run.headBranch}` });
    const found = [];
    for await (const page of api.pages(`${pathOf(repository)}/pulls?${query}`, question))
        for (const item of page.items)
            found.push(...(0,github_api/* shaped */.e)(question, () => pullAt((0,shape/* objectAt */.lJ)(item, 'pulls[]'), run, Number(repositoryId))));
    const [only, ...more] = found;
    if (only !== undefined && more.length === 0)
        return only;
    throw notThis(only === undefined ? 'no open pull request with that head' : 'several pull requests with that head');
}
function pullAt(pull, run, repositoryId) {
    const [head, base] = [(0,shape/* objectAt */.lJ)(pull.head, 'pull.head'), (0,shape/* objectAt */.lJ)(pull.base, 'pull.base')];
    const headId = (0,wire/* nullable */.me)(head.repo ?? null, (repo, at) => (0,wire/* idAt */.jj)((0,shape/* objectAt */.lJ)(repo, at).id, `${at}.id`), 'pull.head.repo');
    const baseId = (0,wire/* idAt */.jj)((0,shape/* objectAt */.lJ)(base.repo, 'pull.base.repo').id, 'pull.base.repo.id');
    const open = (0,shape/* stringAt */.bX)(pull.state, 'pull.state') === 'open';
    if (!open || head.sha !== run.head || headId !== run.headRepository.id || baseId !== repositoryId)
        return [];
    if (!(0,digest/* isCommitId */.jh)(base.sha))
        return [];
    return [
        {
            kind: 'pull_request',
            number: (0,wire/* idAt */.jj)(pull.number, 'pull.number'),
            head: run.head,
            headRef: (0,ref/* parseRef */.r)(`refs/heads/${(0,shape/* stringAt */.bX)(head.ref, 'pull.head.ref')}`),
            base: base.sha,
            baseRef: (0,ref/* parseRef */.r)(`refs/heads/${(0,shape/* stringAt */.bX)(base.ref, 'pull.base.ref')}`),
            from: 'fork',
            dependabot: false,
        },
    ];
}
/** Artifacts of the run that the pattern names; states of resumed runs are none of them. */
async function keptArtifacts(api, repository, run, matches) {
    const question = { of: `the artifacts of run ${run.id} of ${repository}`, permission: 'actions: read' };
    const found = [];
    for await (const page of api.pages(`${pathOf(repository)}/actions/runs/${run.id}/artifacts`, question, 'artifacts'))
        for (const item of page.items) {
            const artifact = (0,github_api/* shaped */.e)(question, () => artifactAt(item));
            if (matches(artifact.name) && !artifact.name.startsWith('waybill-state-'))
                found.push(artifact);
        }
    return found;
}
function artifactAt(value) {
    const artifact = (0,shape/* objectAt */.lJ)(value, 'artifacts[]');
    return {
        id: (0,wire/* idAt */.jj)(artifact.id, 'artifacts[].id'),
        name: (0,shape/* stringAt */.bX)(artifact.name, 'artifacts[].name'),
        expired: (0,wire/* booleanAt */.CR)(artifact.expired, 'artifacts[].expired'),
    };
}
/** Where its archive lies; undefined: it is gone. */
function placeOfArtifact(api, repository, { id }) {
    return api.place(`${pathOf(repository)}/actions/artifacts/${id}/zip`, {
        of: `an artifact of ${repository}`,
        permission: 'actions: read',
    });
}
function pathOf(repository) {
    return `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`;
}
function notThis(found) {
    return (0,core_error/* fail */.fJ)('github/run-not-found', 'The run is not that of one open pull request of this repository', { found });
}

// EXTERNAL MODULE: ./lib/io/door.js
var door = __webpack_require__(44798);
// EXTERNAL MODULE: ./lib/io/environment.js
var environment = __webpack_require__(48601);
// EXTERNAL MODULE: ./lib/io/files.js
var files = __webpack_require__(8315);
// EXTERNAL MODULE: ./lib/io/http.js + 1 modules
var io_http = __webpack_require__(1988);
// EXTERNAL MODULE: ./lib/pipeline/materials-stage.js + 1 modules
var materials_stage = __webpack_require__(55840);
// EXTERNAL MODULE: ./lib/pipeline/materials-unchecked.js
var materials_unchecked = __webpack_require__(62981);
// EXTERNAL MODULE: ./lib/pipeline/run.js
var run = __webpack_require__(5179);
// EXTERNAL MODULE: ./lib/pipeline/source-commits.js
var source_commits = __webpack_require__(53666);
// EXTERNAL MODULE: ./lib/pipeline/source-stage.js + 5 modules
var source_stage = __webpack_require__(97833);
// EXTERNAL MODULE: ./lib/pipeline/stages.js
var pipeline_stages = __webpack_require__(23435);
;// CONCATENATED MODULE: ./lib/pipeline/recheck.js






const NOT_BUILT = 'The image: nothing was built here, and nothing that another run built was looked at.';
/** The workflow of the pull request says what it builds, and whoever opened it may change that, too. */
const ONE_DOCKERFILE = 'Any other Dockerfile than the one at the root of the commit: whatever a workflow builds from another was not read here.';
/** Nobody's identity, and nothing that builds. */
const NOTHING = {
    builder: { name: 'none', build: () => Promise.reject(new TypeError('what is checked again is never built')) },
    files: [],
};
/**
 * Checks a proposal's commits and what its Dockerfile names once more, by the law accepted at its base (13-adversary 36). It
 * reads objects of git and executes nothing of them. Never throws: the receipt tells what was reached.
 */
async function recheck(request, ports) {
    const record = new run/* RunRecord */.d3(new pipeline_stages/* StageLog */.L(ports));
    try {
        const source = await (0,source_stage/* verifySource */.t)(request, ports, (0,source_commits/* beginSource */.Z)(request, ports, record), NOTHING, record);
        await (0,materials_stage/* verifyMaterials */.Y)(request, ports, source, record);
    }
    catch (error) {
        record.fail(error);
        if (record.materials === undefined && !record.notChecked.includes(materials_unchecked/* NOT_VERIFIED */.hB))
            record.notChecked.push(materials_unchecked/* NOT_VERIFIED */.hB);
    }
    finally {
        await record.end();
    }
    record.notChecked.push(ONE_DOCKERFILE, NOT_BUILT);
    const receipt = record.receipt('comment');
    const stages = receipt.stages.filter(({ name }) => name === 'source' || name === 'materials');
    return { receipt: { ...receipt, stages }, error: record.error?.kind };
}

// EXTERNAL MODULE: ./lib/registry/client.js + 10 modules
var client = __webpack_require__(77589);
// EXTERNAL MODULE: ./lib/registry/credentials.js + 1 modules
var credentials = __webpack_require__(57228);
// EXTERNAL MODULE: ./lib/entry/attest-plan.js
var attest_plan = __webpack_require__(46895);
// EXTERNAL MODULE: ./lib/entry/attest-world.js + 42 modules
var attest_world = __webpack_require__(88221);
// EXTERNAL MODULE: ./lib/entry/materials-world.js + 31 modules
var materials_world = __webpack_require__(76495);
;// CONCATENATED MODULE: ./lib/entry/companion-world.js






/**
 * The question that a run for this pull request would have asked, and a world to answer it in: every registry is asked as
 * nobody (13-adversary 39), nothing builds, nothing signs.
 */
async function companionWorld({ env, inputs: { policy, since, githubToken }, context, log, http, folder, }) {
    const inputs = (0,attest_inputs/* readAttestInputs */.B)({
        'INPUT_GITHUB-TOKEN': githubToken,
        ...(policy === undefined ? {} : { INPUT_POLICY: policy }),
        ...(since === undefined ? {} : { INPUT_SINCE: since }),
    });
    const request = (0,attest_plan/* planAttest */.P)(inputs, context);
    const world = { env, inputs, context, request, log, http, folder, artifactScript: '' };
    const { earlier: _, ...ports } = await (0,attest_world/* attestPorts */.I)(world);
    return {
        request,
        ports: {
            ...ports,
            registry: new client/* RegistryClient */.b({ http, credentials: credentials/* ANONYMOUS */.E6 }),
            materials: (0,materials_world/* materialsPorts */.R)(world, credentials/* ANONYMOUS */.E6),
        },
    };
}

// EXTERNAL MODULE: ./lib/entry/exit-code.js
var exit_code = __webpack_require__(474);
// EXTERNAL MODULE: ./lib/core/limits.js
var limits = __webpack_require__(97535);
// EXTERNAL MODULE: ./lib/core/json.js
var json = __webpack_require__(3085);
// EXTERNAL MODULE: ./lib/report/table.js
var table = __webpack_require__(68330);
// EXTERNAL MODULE: ./lib/report/text.js
var report_text = __webpack_require__(44639);
;// CONCATENATED MODULE: ./lib/report/fork-report.js





/** Rows of each list that are shown. */
const SHOWN = 20;
/** Of one report: a character may take eight when it is escaped, and what was checked here must keep its room. */
const CHARACTERS = 5_000;
/** Lists that a result of ours may have at most. */
const MAX_ITEMS = 20_000;
const KNOWN = new Set([
    ...[
        'schemaVersion',
        'command',
        'verdict',
        'recorded',
        'error',
        'notices',
        'notChecked',
        'image',
        'materials',
        'source',
    ],
    ...[
        'ruleChanges',
        'identity',
        'signingKey',
        'policy',
        'run',
        'pinned',
        'evidence',
        'subjects',
        'stages',
        'attestations',
    ],
    ...['sinks', 'requests', 'suggestedPolicy', 'explanation', 'engines', 'stateArtifact', 'since'],
]);
const VERDICTS = ['passed', 'rejected', 'unknown'];
const STATES = [...VERDICTS, 'not-asked', 'not-reached'];
/**
 * Reads `result.json` of the artifact of a run that anybody may have shaped (schemas/result.json, as far as it is shown).
 * @throws `github/fork-report-unusable`
 */
function readForkReport(bytes) {
    try {
        return reportAt((0,json/* parseJsonObject */.dw)(bytes, 'result.json'));
    }
    catch (error) {
        throw (0,core_error/* fail */.fJ)('github/fork-report-unusable', 'The result that the run left is not one of Waybill', {
            ...(error instanceof Error ? { found: error.message } : {}),
            cause: error,
        });
    }
}
function reportAt(result) {
    const unknown = Object.keys(result).find(key => !KNOWN.has(key));
    if (unknown !== undefined)
        throw new RangeError('there is a key that no result has');
    if (result.schemaVersion !== 1)
        throw new RangeError('schemaVersion is not 1');
    (0,shape/* stringAt */.bX)(result.command, 'command');
    for (const name of ['notices', 'notChecked'])
        for (const item of listAt(result[name], name))
            (0,shape/* stringAt */.bX)(item, `${name}[]`);
    listAt(result.attestations, 'attestations');
    const image = (0,shape/* optional */.lq)(result.image, shape/* objectAt */.lJ, 'image');
    return {
        verdict: oneOf(result.verdict, VERDICTS, 'verdict'),
        ...(image === undefined ? {} : { image: imageAt(image) }),
        stages: listAt(result.stages, 'stages').map(item => {
            const stage = (0,shape/* objectAt */.lJ)(item, 'stages[]');
            return { name: (0,shape/* stringAt */.bX)(stage.name, 'stages[].name'), state: oneOf(stage.state, STATES, 'stages[].state') };
        }),
        findings: listAt(result.subjects, 'subjects').flatMap(item => {
            const subject = (0,shape/* objectAt */.lJ)(item, 'subjects[]');
            oneOf(subject.verdict, STATES, 'subjects[].verdict');
            return listAt(subject.findings, 'subjects[].findings').map(codeAt);
        }),
        ...(result.error === undefined ? {} : { error: codeAt(result.error) }),
    };
}
function imageAt(image) {
    const digest = (0,shape/* stringAt */.bX)(image.digest, 'image.digest');
    if (!/^sha256:[0-9a-f]{64}$/.test(digest))
        throw new RangeError('image.digest is no digest');
    return { repository: (0,shape/* stringAt */.bX)(image.repository, 'image.repository'), digest };
}
function codeAt(value) {
    const finding = (0,shape/* objectAt */.lJ)(value, 'finding');
    const code = (0,shape/* stringAt */.bX)(finding.code, 'finding.code');
    if (!/^[a-z]+\/[a-z0-9-]+$/.test(code))
        throw new RangeError('finding.code is no code');
    return { code, message: (0,shape/* stringAt */.bX)(finding.message, 'finding.message') };
}
function listAt(value, path) {
    const list = (0,shape/* arrayAt */.RD)(value, path);
    if (list.length > MAX_ITEMS)
        throw new RangeError(`${path} has more items than a result has`);
    return list;
}
function oneOf(value, words, path) {
    const word = (0,shape/* stringAt */.bX)(value, path);
    if (!words.includes(word))
        throw new RangeError(`${path} is none of its words`);
    return word;
}
const FORK_TITLE = '### Reported by the fork’s own run, not verified';
/** Below what was checked here, without marks and colour: it looks like nothing that anybody checked (13-adversary 36). */
function renderForkReport({ verdict, image, stages, findings, error }) {
    const said = [
        ['verdict', verdict],
        ...(image === undefined ? [] : [['image', `${image.repository}@${(0,report_text/* shortDigest */.VK)(image.digest)}`]]),
        ...(error === undefined ? [] : [['error', `${error.code}: ${error.message}`]]),
        ...stages.filter(({ state }) => state !== 'not-reached').map(({ name, state }) => [`stage ${name}`, state]),
        ...findings.map(({ code, message }) => ['finding', `${code}: ${message}`]),
    ];
    const rows = said.map(([what, words]) => `| ${(0,report_text/* cell */.Hn)(what, 60)} | ${(0,report_text/* cell */.Hn)(words, 200)} |`);
    for (let limit = SHOWN;; limit--) {
        const text = `${FORK_TITLE}\n\nWhoever opened the pull request decides what stands here.\n\n${(0,table/* table */.t)(['said about', 'in its words'], rows, limit)}`;
        if (limit === 0 || text.length <= CHARACTERS)
            return text;
    }
}
/** In the place of a report that cannot be shown. @param why fixed words and a code. */
function noForkReport(why) {
    return `${FORK_TITLE}\n\n${why}`;
}

// EXTERNAL MODULE: ./lib/core/bytes.js
var bytes = __webpack_require__(96752);
// EXTERNAL MODULE: ./lib/io/private-file.js
var private_file = __webpack_require__(73322);
// EXTERNAL MODULE: ./lib/materials/unpack/bounds.js
var bounds = __webpack_require__(97884);
// EXTERNAL MODULE: ./lib/materials/unpack/zip.js + 1 modules
var zip = __webpack_require__(33324);
// EXTERNAL MODULE: ./lib/materials/unpack/zip-directory.js
var zip_directory = __webpack_require__(44552);
;// CONCATENATED MODULE: ./lib/entry/fork-archive.js










const RESULT = 'result.json';
const TYPE = 0o170000;
const FILE = 0o100000;
const FOLDER = 0o040000;
/**
 * `result.json` out of the archive that a run for a pull request left. Anybody may have made it: it is never unpacked, no
 * entry becomes a path, and one entry that Waybill would not have written refuses all of it.
 * @param folder a private one. @throws `github/fork-report-unusable`
 */
async function readForkArchive(bytes, folder) {
    const own = await (0,files/* makeTemporaryFolder */.wE)(folder, 'fork-');
    try {
        const path = (0,external_node_path_.join)(own, 'archive');
        await (0,files/* writeFileAtomic */.Zf)(path, bytes);
        const file = await private_file/* OpenedFile */.O$.open(path);
        try {
            return await resultIn(file);
        }
        finally {
            await file.close();
        }
    }
    catch (error) {
        const known = (0,core_error/* asWaybillError */.d_)(error);
        if (known.code === 'github/fork-report-unusable')
            throw known;
        throw unusable(`${known.code}: ${known.found ?? known.message}`, error);
    }
    finally {
        await (0,files/* remove */.TF)(own);
    }
}
async function resultIn(file) {
    const most = { ...bounds/* ARCHIVE_BOUNDS */.h5, entries: limits/* LIMITS */.b.forkArchiveEntries };
    const entries = await (0,zip_directory/* readDirectory */.g)(file, { ...most, bytes: (0,bounds/* mostOf */.Fx)(file.size, most) });
    for (const entry of entries)
        requirePlain(entry);
    const found = entries.filter(entry => (0,bytes/* decodeUtf8 */._6)(entry.path) === RESULT);
    const [only, ...more] = found;
    if (only === undefined || more.length > 0)
        throw unusable(`${found.length} entries called ${RESULT}`);
    if (only.size > limits/* LIMITS */.b.forkResultBytes)
        throw unusable(`a result of ${only.size} bytes`);
    const parts = [];
    for await (const chunk of (0,zip/* zipContent */.R)(file, only))
        parts.push(Uint8Array.from(chunk));
    return new Uint8Array(Buffer.concat(parts));
}
/** Files and folders below the archive's own root. */
function requirePlain({ path, mode }) {
    const name = (0,bytes/* decodeUtf8 */._6)(path);
    const type = mode & TYPE;
    if (type !== 0 && type !== FILE && type !== FOLDER)
        throw unusable('a link, a device or a pipe');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly what is looked for
    const plain = name !== undefined && name !== '' && !/[\\\u0000-\u001f\u007f:]|^\//.test(name);
    if (!plain ||
        name
            .replace(/\/$/, '')
            .split('/')
            .some(part => part === '' || part === '.' || part === '..'))
        throw unusable(`an entry called ${(0,core_text/* printable */.g$)(name ?? 'in no alphabet', 100)}`);
}
function unusable(found, cause) {
    return (0,core_error/* fail */.fJ)('github/fork-report-unusable', 'The archive that the run left is not one of Waybill', {
        found,
        ...(cause === undefined ? {} : { cause }),
    });
}

;// CONCATENATED MODULE: ./lib/entry/fork-reports.js






/** Artifacts whose results are quoted; a run of a fork may keep as many as it likes. */
const QUOTED = 3;
/** What the run of a fork said of itself, to stand below what was checked. Never throws: it is worth nothing more than a note. */
async function forkReports(the) {
    try {
        const kept = await keptArtifacts(the.api, the.repository, the.run, matcher(the.pattern));
        if (kept.length === 0)
            return noForkReport('That run kept no result.');
        const texts = [];
        for (const artifact of kept.slice(0, QUOTED))
            texts.push(await reportOf(artifact, the));
        const more = kept.length > QUOTED ? [`${kept.length - QUOTED} more artifacts of that run are not read.`] : [];
        return [...texts, ...more].join('\n\n');
    }
    catch (error) {
        return noForkReport(`It was not read (${(0,report_text/* codeSpan */.SS)((0,core_error/* asWaybillError */.d_)(error).code)}).`);
    }
}
async function reportOf(artifact, { api, http, repository, folder }) {
    try {
        const url = artifact.expired ? undefined : await placeOfArtifact(api, repository, artifact);
        if (url === undefined)
            return noForkReport('What that run kept was deleted by its age.');
        // Signed by the storage for whoever has the address: no token goes there.
        const { status, body } = await http.send({ method: 'GET', url, maxBytes: limits/* LIMITS */.b.forkArchiveBytes });
        if (status !== 200)
            throw (0,core_error/* fail */.fJ)('github/run-not-found', 'The archive cannot be had', { found: String(status) });
        return renderForkReport(readForkReport(await readForkArchive(body, folder)));
    }
    catch (error) {
        return noForkReport(`What that run kept is not shown (${(0,report_text/* codeSpan */.SS)((0,core_error/* asWaybillError */.d_)(error).code)}).`);
    }
}
/** No regular expression is made of the pattern: its pieces are looked for in their order. */
function matcher(pattern) {
    const [first = '', ...pieces] = pattern.split('*');
    const last = pieces.pop();
    return name => {
        if (last === undefined)
            return name === first;
        if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
            return false;
        let at = first.length;
        for (const piece of pieces) {
            const found = name.indexOf(piece, at);
            if (found < 0 || found + piece.length > name.length - last.length)
                return false;
            at = found + piece.length;
        }
        return true;
    };
}

// EXTERNAL MODULE: ./lib/entry/pull-comment.js + 3 modules
var pull_comment = __webpack_require__(37143);
// EXTERNAL MODULE: ./lib/entry/report-run.js + 1 modules
var report_run = __webpack_require__(23076);
;// CONCATENATED MODULE: ./lib/entry/comment.js


















/** `comment/action.yml`: checks a fork's pull request again and comments on it. It runs nothing of any commit. */
async function runComment() {
    const world = (0,door/* door */.d)();
    const log = new commands/* WorkflowLog */.m(bytes => world.out(bytes), door/* randomWord */.W);
    world.exit(await commentStep((0,environment/* environment */.cA)(), log));
}
/** A verdict about somebody's pull request is no failure of the branch that this run is for; only a mistake in the step is. */
async function commentStep(env, log) {
    let reporting = (0,report_run/* reportingBefore */.uD)(env, 'comment-result.json');
    const http = new io_http/* HttpClient */.Qq();
    try {
        const inputs = readCommentInputs(env);
        log.mask(inputs.githubToken);
        const payload = await (0,github_context/* readEventFile */.zh)(env);
        const context = (0,github_context/* contextOf */.Vm)(env, payload);
        reporting = { ...reporting, run: (0,github_context/* runUrl */.Vp)(context) };
        const { apiUrl, graphqlUrl } = context;
        const api = new github_api/* GithubApi */.Q({ http, apiUrl, graphqlUrl, token: inputs.githubToken });
        const run = await endedRun(api, context, payload);
        const url = await commentOn(run, { env, inputs, context, log, http, api, reporting });
        if (reporting.output !== undefined)
            await (0,runner_files/* writeRunnerValue */.lV)(reporting.output, 'comment-url', url ?? '', door/* randomWord */.W);
        return 0;
    }
    catch (error) {
        const known = (0,core_error/* asWaybillError */.d_)(error);
        await (0,report_run/* reportRun */.Go)((0,report_run/* refusedReceipt */.zj)('comment', known), reporting, log, { 'comment-url': '' });
        return known.kind === 'configuration' ? (0,exit_code/* exitCodeOfError */.L)(known.kind) : 0;
    }
    finally {
        http.close();
    }
}
async function commentOn(run, step) {
    const { context, log, api, http, inputs, reporting } = step;
    if (run?.fromOutside !== true) {
        log.info('Nothing to do: that run was not for a pull request from outside, so it comments itself where it should.');
        return undefined;
    }
    const pull = await pullOf(api, context, run);
    const folder = (0,external_node_path_.join)(context.temporary, 'waybill', 'comment');
    await (0,files/* makeFolder */.fc)(folder);
    const { request, ports } = await companionWorld({ ...step, context: { ...context, event: pull }, folder });
    const { receipt } = await recheck(request, ports);
    const more = await forkReports({ api, http, repository: context.repository, run, folder, pattern: inputs.artifact });
    await (0,report_run/* reportRun */.Go)(receipt, withoutOutput(reporting), log, {});
    const url = `${context.serverUrl}/${context.repository}/actions/runs/${run.id}/attempts/${run.attempt}`;
    const wanted = {
        receipt,
        mode: 'always',
        key: { workflow: run.workflow, job: context.job, name: 'fork' },
        run: { id: run.id, attempt: run.attempt, url },
        checkedBy: (0,pull_comment/* runName */.rt)(context),
        head: run.head,
        base: pull.baseRef,
        repositoryId: Number(context.repositoryId),
        more,
    };
    return (0,pull_comment/* writeComment */.HF)({ context, githubToken: inputs.githubToken, http }, pull.number, wanted, log);
}
/** The outputs of this door are its own. */
function withoutOutput({ summary, run, resultPath }) {
    return {
        ...(summary === undefined ? {} : { summary }),
        ...(run === undefined ? {} : { run }),
        ...(resultPath === undefined ? {} : { resultPath }),
    };
}


/***/ })

};
