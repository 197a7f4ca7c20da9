export const id = 512;
export const ids = [512];
export const modules = {

/***/ 74512:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  admissionFiles: () => (/* binding */ admissionFiles)
});

// EXTERNAL MODULE: ./lib/admission/document.js
var admission_document = __webpack_require__(7172);
// EXTERNAL MODULE: ./node_modules/yaml/dist/index.js
var dist = __webpack_require__(38815);
// EXTERNAL MODULE: ./lib/core/error.js
var error = __webpack_require__(11105);
;// CONCATENATED MODULE: ./lib/admission/refused.js

/**
 * What no engine, or not this one, can say (13-adversary 30). A weaker policy is never written instead.
 * @param remedy what to write in the rule instead.
 */
function notExpressible(sentence, expected, found, remedy) {
    return (0,error/* fail */.fJ)('policy/not-expressible', sentence, { expected, found, remedy });
}

;// CONCATENATED MODULE: ./lib/admission/cel.js

/** Expressions of the Common Expression Language as Kubernetes and Kyverno evaluate them. Source: CEL language definition § Syntax. */
/**
 * A text as a literal. Values come out of policies: one that could end its literal would add a condition of its own, so
 * whatever is not plain ASCII is escaped, also what only some readers of YAML take for the end of a line.
 * @throws `policy/not-expressible` for half a surrogate pair, which no literal can hold.
 */
function celText(text) {
    if (!text.isWellFormed())
        throw notExpressible('A value of the policy is no text that a cluster could compare', 'text without half surrogate pairs', text, 'Write the value without it.');
    return `"${[...text].map(escaped).join('')}"`;
}
function escaped(character) {
    if (character === '"' || character === '\\')
        return `\\${character}`;
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0x20 && code < 0x7f)
        return character;
    return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}
function hex(code, digits) {
    return code.toString(16).padStart(digits, '0');
}
/** Alternatives in parentheses; one alone without; none is false. */
function anyOf(tests) {
    return tests.length > 1 ? `(${tests.join(' || ')})` : (tests[0] ?? 'false');
}

// EXTERNAL MODULE: ./lib/statements/deploy-vsa.js
var deploy_vsa = __webpack_require__(21428);
// EXTERNAL MODULE: ./lib/policy/match.js
var match = __webpack_require__(94743);
;// CONCATENATED MODULE: ./lib/admission/re2.js


/**
 * One expression of RE2 that matches, whole, exactly what one of the policy's patterns matches (policy/match.ts). RE2 takes time
 * linear in the text, as our own matcher does. Without flags `^` and `$` are the ends of the text.
 * @throws `policy/not-expressible` for a text that is no pattern.
 */
function wholeText(patterns) {
    return `^(?:${patterns.map(bodyOf).join('|')})$`;
}
/** Every character by itself; of punctuation nothing is special behind a backslash. */
function literal(text) {
    return text.replace(/[^A-Za-z0-9_/@:#-]/g, c => (/^[ -~]$/.test(c) ? `\\${c}` : c));
}
function bodyOf(text) {
    const pattern = (0,match/* compilePattern */.Eb)(text);
    if (pattern === undefined)
        throw notExpressible('A pattern is too long', 'at most 512 characters', text, 'Write a shorter pattern.');
    return pattern.tokens.map(partOf).join('');
}
function partOf(token) {
    if (typeof token === 'string')
        return literal(token);
    return token === match/* ONE */.xr ? '[^/]*' : '(?s:.*)';
}

;// CONCATENATED MODULE: ./lib/admission/cel-conditions.js




/**
 * All conditions as one expression. Only optional steps lead to a value, so that a missing one is false and not an error; an
 * error, as of a text where an object must be, refuses the pod as well, with another message.
 * @throws `policy/not-expressible` for a value that CEL does not compare as JSON means it.
 */
function conditionsCel(conditions, scope, separator = ' && ') {
    if (conditions.length === 0)
        return 'true';
    return conditions.map(condition => conditionCel(condition, scope)).join(separator);
}
function conditionCel(condition, scope) {
    if (condition.is === 'any-of')
        return anyOf(condition.of.map(all => `(${conditionsCel(all, scope)})`));
    const found = scope.root + condition.path.map(step).join('');
    switch (condition.is) {
        case 'equal':
            return equals(found, condition.value);
        case 'one-of':
            return anyOf(condition.values.map(value => equals(found, value)));
        case 'absent':
            return `!${found}.hasValue()`;
        case 'resource':
            return equalsResource(found, condition.environment, scope);
        case 'matching':
            return `(${isOf(found, 'string')} && ${matches(found, condition.patterns)})`;
        case 'not-matching':
            return `(${isOf(found, 'string')} && !${matches(found, condition.patterns)})`;
        default:
            return listCel(condition, found, scope);
    }
}
/** Maps have the same macros as lists, over their keys: so the type is asked for first. */
function listCel(condition, found, scope) {
    const isList = isOf(found, 'list');
    if (condition.is === 'list')
        return isList;
    const items = `${found}.orValue([])`;
    const depth = (scope.depth ?? 0) + 1;
    const item = `item${depth}`;
    if (condition.is === 'containing')
        return `(${isList} && ${items}.exists(${item}, ${item} == ${celText(condition.value)}))`;
    const where = conditionsCel(condition.where, { root: item, name: scope.name, depth });
    if (condition.is === 'some')
        return `(${isList} && ${items}.exists(${item}, type(${item}) == map && ${where}))`;
    const target = `target${depth}`;
    const same = ['uri', 'digest'].map(key => `${item}.target.?${key} == ${target}.target.?${key}`).join(' && ');
    const one = `${items}.exists(${item}, type(${item}) == map && has(${item}.target) && ${same} && ${where})`;
    const unaimed = `type(${target}) != map || !has(${target}.target)`;
    return `(${isList} && ${items}.all(${target}, ${unaimed} || (${target}.target.?digest.hasValue() && ${one})))`;
}
function isOf(found, type) {
    return `type(${found}.orValue(null)) == ${type}`;
}
function matches(found, patterns) {
    return `${found}.orValue("").matches(${celText(wholeText(patterns))})`;
}
/** Names of repositories hold nothing that would have to be escaped, so the text around them is that around any other. */
function equalsResource(found, environment, { name }) {
    const any = 'ghcr.io/acme/app';
    const whole = (0,deploy_vsa/* deployResource */.mH)(any, environment);
    const at = whole.indexOf(any);
    return `${found} == optional.of(${celText(whole.slice(0, at))} + ${name} + ${celText(whole.slice(at + any.length))})`;
}
function equals(found, value) {
    return `${found} == optional.of(${cel_conditions_literal(value)})`;
}
/** Kubernetes insists on literals of lists and maps whose values are all of one type. */
function cel_conditions_literal(value) {
    if (typeof value === 'string')
        return celText(value);
    if (typeof value === 'boolean')
        return String(value);
    if (typeof value === 'number' && Number.isSafeInteger(value))
        return String(value);
    if (value !== null && typeof value === 'object') {
        const parts = Array.isArray(value) ? value : Object.values(value);
        if (new Set(parts.map(part => typeof part)).size <= 1 && !parts.includes(null))
            return Array.isArray(value)
                ? `[${parts.map(cel_conditions_literal).join(', ')}]`
                : `{${Object.entries(value)
                    .map(([key, part]) => `${celText(key)}: ${cel_conditions_literal(part)}`)
                    .join(', ')}}`;
    }
    throw notExpressible('CEL cannot compare this value exactly', 'text, whole numbers, true or false; lists and objects of one of these', JSON.stringify(value), 'Compare a part of it.');
}
/** Words that the language keeps for itself, and whatever is no identifier, are asked for as keys. */
function step(name) {
    return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && !RESERVED.has(name) ? `.?${name}` : `[?${celText(name)}]`;
}
const RESERVED = new Set('true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '));

;// CONCATENATED MODULE: ./lib/admission/below-prefix.js


/**
 * Identities below a prefix may be workflows, and their runs for pull requests never count (13-adversary 28). RE2 knows no
 * "not followed by", so what may stand behind the "@" is named instead: branches, tags and commits. A prefix may end behind it.
 * @returns an expression of RE2 for the whole identity. @throws `policy/not-expressible` for a prefix of pull requests
 */
function belowPrefix(prefix) {
    const at = prefix.indexOf('@refs/');
    if (at === -1)
        return `^${literal(prefix)}[^@]*(?:@(?:refs/(?:heads|tags)/[^@]*|[0-9a-f]{40}))?$`;
    const ref = prefix.slice(at + '@refs/'.length);
    if (ref === '')
        return `^${literal(prefix)}(?:heads|tags)/(?s:.*)$`;
    if (ref.startsWith('pull/'))
        throw notExpressible('The prefix names a pull request, which never matches', 'a branch or a tag', prefix, 'Name a branch.');
    return `^${literal(prefix)}(?s:.*)$`;
}

;// CONCATENATED MODULE: ./lib/admission/kyverno-attestor.js



/**
 * One signer as Kyverno 1.19 compares it: subject and issuer of the certificate and nothing else. It takes
 * `additionalExtensions` and never reads them, so what a certificate says besides has to be asked of the signed content.
 * @throws `policy/not-expressible` for a key, a workflow at any ref, and a trust root that is not at hand.
 */
function cosignOf(signer, trust, known) {
    return { keyless: { identities: [identityOf(signer)] }, ...trustOf(trust, known) };
}
function identityOf(signer) {
    if (signer.kind === 'github')
        return githubIdentity(signer);
    if (signer.kind === 'sigstore')
        return sigstoreIdentity(signer);
    throw notExpressible('For Kyverno only signers with a certificate can be written down', 'a signer by github or sigstore', `the key ${signer.file}`, 'Name the signer by github or sigstore in the deploy rule, or generate for policy-controller.');
}
function githubIdentity({ signer, server, issuer }) {
    const workflow = `${server}/${signer.path}@`;
    // A call by commit is the only one whose subject names the commit; calls by ref are refused, which is stricter.
    if ('commit' in signer.at)
        return { subject: `${workflow}${signer.at.commit}`, issuer };
    if ('any' in signer.at)
        throw notExpressible('A workflow at any ref is no signer that a cluster could check', 'a ref or a commit', signer.text, `Name its ref: ${signer.path}@refs/heads/main.`);
    const { ref } = signer.at;
    if (ref.tokens.every(token => typeof token === 'string'))
        return { subject: `${workflow}${ref.text}`, issuer };
    // A path that a policy names holds no star.
    return { subjectRegExp: wholeText([workflow + ref.text]), issuer };
}
function sigstoreIdentity({ identity, issuer }) {
    if ('exact' in identity)
        return { subject: identity.exact, issuer };
    return { subjectRegExp: belowPrefix(identity.prefix), issuer };
}
function trustOf(trust, known) {
    if (trust === 'public-good')
        return {};
    if (trust === 'github')
        throw notExpressible('Kyverno reads bundles of GitHub’s own instance only when it is told to ignore logs', 'trust: public-good, or a trust root file with a log', 'trust: github', 'Sign with the public instance and write trust: public-good, or generate for policy-controller.');
    const found = known.get(trust.file);
    if (found === undefined)
        throw notExpressible('A rule has an own trust root, and Kyverno was given none for it', 'the trusted_root.json itself, or the TUF repository that serves it', trust.file, 'Give the trust root to the generator.');
    const { trustedRoot, tuf } = found;
    return {
        ...(tuf === undefined
            ? {}
            : { tuf: { mirror: tuf.mirror, root: { data: Buffer.from(tuf.root).toString('base64') } } }),
        ...(trustedRoot === undefined ? {} : { trustedRoot: { value: trustedRoot } }),
    };
}

;// CONCATENATED MODULE: ./lib/admission/link.js
/** What must hold in a statement of this type, everything together. */
function conditionsOf({ conditions, perType }, predicateType) {
    return [...conditions, ...(perType?.get(predicateType) ?? [])];
}

;// CONCATENATED MODULE: ./lib/admission/kyverno.js







const NAME = 'waybill-images';
/**
 * One ImageValidatingPolicy (policies.kyverno.io, Kyverno 1.19) for everything that is admitted.
 *
 * One policy and not one for each rule: Kyverno 1.19 reads image data under a lock that it does not give back when the
 * image is known already, and the next unknown image of the same pod then waits for ever. Here every image is named once and
 * all are read before the first is asked for again.
 * @throws `policy/not-expressible`
 */
function imageValidatingPolicies(admission, options) {
    const rules = admission.rules.map((rule, index) => ruleOf(rule, `rule${index + 1}`, options.trust ?? new Map()));
    const policy = {
        apiVersion: 'policies.kyverno.io/v1',
        kind: 'ImageValidatingPolicy',
        metadata: { name: NAME },
        spec: {
            validationActions: ['Deny'],
            failurePolicy: 'Fail',
            // Keys, logs and statements are fetched while the API server waits; this is the longest that it does.
            webhookConfiguration: { timeoutSeconds: 30 },
            matchConstraints: matchConstraints(options),
            matchConditions: [{ name: 'what-runs-changes', expression: CHANGES }],
            validationConfigurations: { mutateDigest: false, verifyDigest: true, required: true },
            images: IMAGES,
            ...chain(rules, admission.quarantined),
        },
    };
    const header = options.header.map(line => `${`# ${line}`.trimEnd()}\n`).join('');
    return [{ name: `${NAME}.yaml`, text: header + (0,dist/* stringify */.As)(policy, { lineWidth: 0 }) }];
}
/** Everything that depends on the rules. Images that no rule admits are not even fetched: they are refused by name. */
function chain(rules, quarantined) {
    const allowed = rules.filter(rule => rule.links.length > 0);
    const denied = rules.filter(rule => rule.links.length === 0);
    const types = [...new Set(allowed.flatMap(rule => rule.links.flatMap(({ link }) => link.predicateTypes)))];
    const named = attestationNames(types);
    return {
        matchImageReferences: [{ expression: anyOf(allowed.map(({ rule }) => matchCel('ref', rule))) }],
        attestors: allowed.flatMap(rule => rule.links.map(({ name, cosign }) => ({ name, cosign }))),
        attestations: types.map(type => ({ name: named(type), intoto: { type } })),
        variables: [
            { name: 'images', expression: imagesOf('object') },
            ...rules.map(({ name, rule }) => ({
                name,
                expression: `variables.images.filter(image, ${matchCel('image', rule)})`,
            })),
        ],
        validations: [
            ...denied.map(({ name, rule }) => ({
                expression: `variables.${name}.size() == 0`,
                message: `The policy denies ${patternsOf(rule)}.`,
            })),
            noRule(allowed),
            ...quarantine(quarantined),
            ...allowed.flatMap(rule => rule.links.map(link => validation(rule, link, named))),
        ],
    };
}
function ruleOf(rule, name, trust) {
    if (rule.match.some(({ of }) => of !== 'image'))
        throw notExpressible('A cluster runs images, not files', 'patterns of images', patternsOf(rule), 'Give files a rule of their own.');
    const links = rule.links.map((link, index) => ({
        // Two links of a rule may stand for one item: the number keeps the names apart.
        name: `${name}${camel(link.item)}${index + 1}`,
        link,
        cosign: cosignOf(link.signer, rule.trust, trust),
    }));
    return { name, rule, links };
}
function camel(item) {
    return item.replace(/(?:^|-)([a-z])/g, (_, first) => first.toUpperCase());
}
/** Pods alone: Kyverno would rewrite texts of the policy for workloads, and a pod is what runs whoever made it. */
function matchConstraints({ namespaces = [] }) {
    const named = { key: 'kubernetes.io/metadata.name', operator: 'In', values: namespaces };
    return {
        ...(namespaces.length === 0 ? {} : { namespaceSelector: { matchExpressions: [named] } }),
        resourceRules: [
            {
                apiGroups: [''],
                apiVersions: ['v1'],
                operations: ['CREATE', 'UPDATE'],
                resources: ['pods', 'pods/ephemeralcontainers'],
            },
        ],
    };
}
/** 13-adversary 33: image volumes count. Each image once: see `imageValidatingPolicies`. */
function imagesOf(pod) {
    const containers = ['containers', 'initContainers', 'ephemeralContainers'].map(kind => `${pod}.spec.?${kind}.orValue([]).map(c, c.?image.orValue(""))`);
    const volumes = `${pod}.spec.?volumes.orValue([]).filter(v, has(v.image)).map(v, v.image.?reference.orValue(""))`;
    return `(${[...containers, volumes].join('\n  + ')}).distinct()`;
}
/**
 * An update that leaves the images as they are brings nothing new to run, and refusing it would keep the finalizers of a pod
 * whose image was quarantined meanwhile: nobody could remove it.
 */
const CHANGES = `oldObject == null || !has(oldObject.spec) || ${imagesOf('object')}\n!= ${imagesOf('oldObject')}`;
/** Kyverno's own three lists would name an image again that stands in two of them. */
const IMAGES = [
    { name: 'containers', expression: imagesOf('object') },
    { name: 'initContainers', expression: '[]' },
    { name: 'ephemeralContainers', expression: '[]' },
];
/** The canonical name of the image at `variable` (13-adversary 34); other spellings of hosts are left to match nothing. */
function nameOf(variable) {
    const read = `parseImageReference(${variable})`;
    return `((${read}.registry() == "index.docker.io" ? "docker.io" : ${read}.registry()) + "/" + ${read}.repository())`;
}
/** Whether it is one that the rule is about. */
function matchCel(variable, { match }) {
    return `isImage(${variable}) && ${nameOf(variable)}\n  .matches(${celText(wholeText(match.map(({ text }) => text)))})`;
}
function noRule(allowed) {
    const tests = allowed.map(({ name }) => `image in variables.${name}`);
    return {
        expression: `variables.images.all(image, ${anyOf(tests)})`,
        message: 'No rule of the policy admits an image of this pod.',
    };
}
function quarantine(digests) {
    if (digests.length === 0)
        return [];
    return [
        {
            expression: `variables.images.all(image, !(parseImageReference(image).digest() in [${digests.map(celText).join(', ')}]))`,
            message: 'An image of this pod is in quarantine.',
        },
    ];
}
/**
 * The statement that a condition sees must be the one whose signature was checked: `extractPayload` gives what the last
 * successful check of that type found, so each check and its conditions stand in one expression, the check first.
 */
function validation(rule, { name, link }, named) {
    const ways = link.predicateTypes.map(type => {
        const attestation = `attestations.${named(type)}`;
        const verified = `verifyAttestationSignatures(image, ${attestation}, [attestors.${name}]) > 0`;
        const conditions = conditionsOf(link, type);
        if (conditions.length === 0)
            return verified;
        const said = conditionsCel(conditions, { root: 'said', name: nameOf('image') }, ' &&\n  ');
        return `${verified} &&\ncel.bind(said, extractPayload(image, ${attestation}).?predicate,\n  ${said})`;
    });
    return {
        expression: `variables.${rule.name}.all(image,\n${anyOf(ways)})`,
        message: `${link.item} does not hold for an image of ${patternsOf(rule.rule)}.`,
    };
}
function patternsOf({ match }) {
    return match.map(({ text }) => text).join(', ');
}
/**
 * A name for each predicate type, made of its last words.
 * @throws `policy/not-expressible` for what Kyverno would take for one of its own short names and read another way.
 */
function attestationNames(types) {
    const names = new Map();
    for (const type of types) {
        if (!/^[a-z]+:\/\//.test(type))
            throw notExpressible('A predicate type is no URL', 'a URL', type, 'Ask for another item.');
        const words = type.replace(/^[a-z]+:\/\/[^/]*/, '').match(/[A-Za-z0-9]+/g) ?? [];
        const word = `type${words.map(part => part.charAt(0).toUpperCase() + part.slice(1)).join('')}`;
        const taken = [...names.values()].includes(word);
        names.set(type, taken ? `${word}N${names.size}` : word);
    }
    return type => names.get(type) ?? '';
}

// EXTERNAL MODULE: ./lib/policy/requirements.js
var requirements = __webpack_require__(88384);
// EXTERNAL MODULE: ./lib/statements/statement.js
var statement = __webpack_require__(21355);
// EXTERNAL MODULE: ./lib/policy/policy.js
var policy = __webpack_require__(73506);
// EXTERNAL MODULE: ./lib/statements/uris.js
var uris = __webpack_require__(88043);
;// CONCATENATED MODULE: ./lib/admission/signer-conditions.js

/** Everything that pull requests start has such an event, and no rule means it (13-adversary 28). */
const PULL_EVENTS = 'pull_request**';
const PULL_REFS = ['refs/pull', 'refs/pull/**'];
/** Repository by id, ref, event and runner, as far as the rule names them. */
function runConditions(signer, paths) {
    const { repositoryId, trigger, runner } = signer;
    return [
        ...(repositoryId === 'any' ? [] : [equal(paths.repositoryId, repositoryId)]),
        ...refConditions(signer, paths.ref),
        ...triggerConditions(trigger, paths.event),
        ...(runner === undefined ? [] : [equal(paths.runner, runner)]),
    ];
}
function refConditions({ sourceRef }, path) {
    if (sourceRef === 'any')
        return [
            { path, is: 'matching', patterns: ['refs/**'] },
            { path, is: 'not-matching', patterns: PULL_REFS },
        ];
    const [first, ...more] = sourceRef;
    return [{ path, is: 'matching', patterns: [first.text, ...more.map(({ text }) => text)] }];
}
function triggerConditions(trigger, path) {
    const [first, ...more] = trigger ?? [];
    if (first === undefined)
        return [{ path, is: 'not-matching', patterns: [PULL_EVENTS] }];
    return [{ path, is: 'one-of', values: [first, ...more] }];
}
/**
 * Of a signer that a rule knows by its identity alone. A gate reads in the certificate that it was no run for a pull request, some of
 * which have the branch's own identity; here the statement must not call itself one.
 */
function noPullRequest(path) {
    return { is: 'any-of', of: [[{ path, is: 'absent' }], [{ path, is: 'not-matching', patterns: [PULL_EVENTS] }]] };
}
/** The workflow whose run it is: the caller of a shared one, else the signer itself. Undefined: whoever calls. */
function startedWorkflow({ caller, signer }) {
    return caller === 'any' ? undefined : (caller ?? signer);
}
/** How a verifier calls itself in a deploy summary, which must be the name of whoever signed (`deployVerifierId`). */
function verifierConditions(signer, path) {
    if (signer.kind === 'key') {
        if (signer.fingerprint === undefined)
            throw new TypeError('verifierConditions() of a policy without its files');
        return [equal(path, `sha256:${signer.fingerprint}`)];
    }
    if (signer.kind === 'github')
        return [{ path, is: 'matching', patterns: [identityPattern(signer.signer, signer.server)] }];
    const { identity } = signer;
    if ('prefix' in identity)
        return [
            { path, is: 'matching', patterns: [`${identity.prefix}**`] },
            { path, is: 'not-matching', patterns: [`**@${PULL_REFS[0]}`, `**@${PULL_REFS[1]}`] },
        ];
    return [equal(path, isAddress(signer) ? `mailto:${identity.exact}` : identity.exact)];
}
/** The identity of a workflow at its refs as a pattern: so are SAN, builder and verifier called. */
function identityPattern({ path, at }, server) {
    const prefix = `${server}/${path}@`;
    if ('any' in at)
        throw new TypeError('identityPattern() of a workflow that no policy can name');
    return prefix + ('ref' in at ? at.ref.text : at.commit);
}
/**
 * A workflow that is no shared one has its ref in the SAN; at which commit it was is written in the certificate alone.
 * @throws `policy/not-expressible`
 */
function refuseCommits({ signer, caller }) {
    const pinned = caller === undefined ? signer : caller === 'any' ? undefined : caller;
    if (pinned === undefined || !('commit' in pinned.at))
        return;
    throw notExpressible('No engine reads at which commit the workflow of a run was', 'the workflow at a ref, or a shared workflow that is called by its commit', pinned.text, `Name the workflow at a ref: "${pinned.text.replace(/@.*$/, '')}@refs/heads/main".`);
}
/** Certificates for a person's address have it as it is; a verifier is a URI (`deployVerifierId`). */
function isAddress({ identity }) {
    return 'exact' in identity && !/^[a-z][a-z0-9+.-]*:\/\//i.test(identity.exact);
}
function equal(path, value) {
    return { path, is: 'equal', value };
}

;// CONCATENATED MODULE: ./lib/admission/build-links.js






const DEFINITION = 'buildDefinition';
const WORKFLOW = [DEFINITION, 'externalParameters', 'workflow'];
const GITHUB = [DEFINITION, 'internalParameters', 'github'];
const WAYBILL = [DEFINITION, 'internalParameters', 'waybill'];
const SELF_HOSTED = '#self-hosted';
const BUILDER_ID = ['runDetails', 'builder', 'id'];
/**
 * `provenance`: by the build's signer, whose run is told by the provenance itself, from a builder that counts, after verified
 * commits. What the other items of the rule say about provenance stands here too.
 * @param items everything the rule asks for where images run.
 * @throws `policy/not-expressible`
 */
function provenanceLink(rule, items) {
    const { build } = rule;
    return {
        item: 'provenance',
        signer: build,
        predicateTypes: [statement/* PROVENANCE_PREDICATE */.CK],
        conditions: [
            ...(build.kind === 'github' ? githubConditions(build) : []),
            ...(build.kind === 'sigstore' ? [noPullRequest([...GITHUB, 'event_name'])] : []),
            ...builderConditions(rule, items),
            ...stageConditions(rule, items),
            ...(items.includes('closed-world') ? closedConditions() : []),
        ],
    };
}
function githubConditions(build) {
    refuseCommits(build);
    refuseEnvironment(build);
    const { server, repository } = build;
    return [
        equal([...WORKFLOW, 'repository'], `${server}/${repository}`),
        ...workflowConditions(build),
        ...runConditions(build, {
            repositoryId: [...GITHUB, 'repository_id'],
            event: [...GITHUB, 'event_name'],
            runner: [...GITHUB, 'runner_environment'],
            ref: [...WORKFLOW, 'ref'],
        }),
        ...builderIdentity(build),
    ];
}
/** File and ref of the workflow that the event started. */
function workflowConditions(build) {
    const started = startedWorkflow(build);
    if (started === undefined)
        return [];
    const prefix = `${build.repository}/`;
    if (!started.path.startsWith(prefix))
        throw notExpressible('The rule names a workflow of another repository, and a run belongs to the repository of its workflow', `a workflow of ${build.repository}, or caller`, started.text, `Name the workflow that calls it: caller: "${prefix}.github/workflows/release.yml@refs/heads/main".`);
    return [
        equal([...WORKFLOW, 'path'], started.path.slice(prefix.length)),
        ...('ref' in started.at
            ? [{ path: [...WORKFLOW, 'ref'], is: 'matching', patterns: [started.at.ref.text] }]
            : []),
    ];
}
/**
 * The builder is called as the certificate's identity. Where a build ran on a runner that is not GitHub's, a mark stands behind it,
 * and the runners are listed (13-adversary 40).
 */
function builderIdentity(build) {
    const pattern = identityPattern(build.signer, build.server);
    if (build.runner !== 'github-hosted')
        return [{ path: BUILDER_ID, is: 'matching', patterns: [pattern, `${pattern}${SELF_HOSTED}`] }];
    return [
        { path: BUILDER_ID, is: 'matching', patterns: [pattern] },
        { path: BUILDER_ID, is: 'not-matching', patterns: [`**${SELF_HOSTED}`] },
        { path: [...WAYBILL, 'buildRunners'], is: 'absent' },
    ];
}
/** What a build's statements do not say cannot be read there. */
function refuseEnvironment({ environment }) {
    if (environment === undefined)
        return;
    throw notExpressible('No engine reads the environment of a build, which stands in its certificate alone', 'build without environment', environment, 'Take environment out of build, or require deploy-verified with a deployer of that environment.');
}
/** 13-adversary 15: a digest that was only recorded came from nowhere, unless the rule names who recorded it. */
function builderConditions({ builders }, items) {
    const drives = (name) => policy/* DEFAULT_BUILDERS */.ji.some(driven => driven === name);
    // 13-adversary 18: buildah cannot close the world. Who only recorded a digest knows nothing of its materials.
    const driven = builders.filter(name => drives(name) && !(items.includes('closed-world') && name === 'buildah'));
    const recorded = items.some(requirements/* isClaimRequirement */._F) ? [] : builders.filter(name => !drives(name));
    const built = [
        ...builderNamed(driven),
        { path: [DEFINITION, 'buildType'], is: 'not-matching', patterns: [uris/* RECORDED_BUILD_TYPE */.$Y] },
    ];
    if (recorded.length === 0)
        return built;
    return driven.length === 0 ? builderNamed(recorded) : [{ is: 'any-of', of: [built, builderNamed(recorded)] }];
}
/** The parser refuses rules that leave none. */
function builderNamed([first, ...more]) {
    if (first === undefined)
        throw new TypeError('builderNamed() of no builder');
    return [{ path: [...WAYBILL, 'builder'], is: 'one-of', values: [first, ...more] }];
}
/** 13-adversary 41: an audit looks green to others, so mode and verdict are compared. */
function stageConditions({ allowAudit }, items) {
    const insisted = items.some(item => item !== 'reproducible' && (0,requirements/* isClaimRequirement */._F)(item));
    return [
        ...(allowAudit ? [goodVerdict('source')] : enforced('source')),
        ...(insisted ? enforced('materials') : allowAudit ? [goodVerdict('materials')] : [notAskedOrEnforced('materials')]),
    ];
}
function enforced(stage) {
    return [equal([...WAYBILL, stage, 'mode'], 'enforce'), equal([...WAYBILL, stage, 'verdict'], 'passed')];
}
function goodVerdict(stage) {
    return { path: [...WAYBILL, stage, 'verdict'], is: 'one-of', values: ['passed', 'not-asked'] };
}
function notAskedOrEnforced(stage) {
    return { is: 'any-of', of: [enforced(stage), [equal([...WAYBILL, stage, 'verdict'], 'not-asked')]] };
}
/** What the provenance itself records must not contradict the claim that the build was closed off (13-adversary 19). */
function closedConditions() {
    const network = [...WAYBILL, 'inputs', 'network'];
    const cache = [...WAYBILL, 'inputs', 'cacheFrom'];
    return [
        { is: 'any-of', of: [[{ path: network, is: 'absent' }], [equal(network, 'none')]] },
        { is: 'any-of', of: [[{ path: cache, is: 'absent' }], [{ path: cache, is: 'equal', value: [] }]] },
    ];
}

// EXTERNAL MODULE: ./lib/statements/scai.js
var scai = __webpack_require__(51420);
;// CONCATENATED MODULE: ./lib/admission/claim-links.js


const ATTRIBUTES = ['attributes'];
const SIGNED = ['BASE_IMAGE_SIGNATURE_VERIFIED', 'MATERIAL_SIGNATURE_VERIFIED'];
const PINNED = ['BASE_IMAGE_DIGEST_PINNED', 'MATERIAL_DIGEST_VERIFIED'];
const ALL = ['BASE_IMAGES_DECLARED', 'BUILD_SOURCES_CLOSED_WORLD'];
/**
 * What a run claims about its build (docs/predicates/scai.md). That the provenance of the same run names no other material is
 * compared by the gate alone: an engine looks at one statement at a time. `provenanceLink` asks what the provenance says itself.
 */
function claimLink({ build }, item) {
    return { item, signer: build, predicateTypes: [scai/* SCAI_PREDICATE */.Xq], conditions: claims(item) };
}
function claims(item) {
    switch (item) {
        case 'materials-verified':
            return [complete(), eachMaterial(SIGNED_BY_POLICY)];
        case 'materials-pinned':
            return [complete(), eachMaterial([{ is: 'any-of', of: [SIGNED_BY_POLICY, [named(PINNED)]] }])];
        case 'closed-world':
            return [some([equal(['attribute'], 'BUILD_SOURCES_CLOSED_WORLD'), ...CLOSED])];
        case 'reproducible':
            return [some([equal(['attribute'], 'REPRODUCIBLE')])];
    }
}
/** The commit that is built cannot vouch for its own materials, so a key that it declares is not enough. */
const SIGNED_BY_POLICY = [named(SIGNED), only({ keys: 'policy' })];
const CLOSED = [only({ builder: 'fresh', cache: 'none', network: 'none' })];
/** These conditions and no other: one that is not understood could take back what the attribute says. */
function only(conditions) {
    return { path: ['conditions'], is: 'equal', value: conditions };
}
/** Without a claim that these are all, leaving one out would make the rest look complete. */
function complete() {
    return some([named(ALL)]);
}
function some(where) {
    return { path: ATTRIBUTES, is: 'some', where };
}
function eachMaterial(where) {
    return { path: ATTRIBUTES, is: 'each-target', where };
}
function named(names) {
    return { path: ['attribute'], is: 'one-of', values: names };
}

// EXTERNAL MODULE: ./lib/core/digest.js
var core_digest = __webpack_require__(53871);
// EXTERNAL MODULE: ./lib/policy/policy-name.js
var policy_name = __webpack_require__(38028);
;// CONCATENATED MODULE: ./lib/admission/deploy-links.js






/** Where a deploy summary says which run wrote it. docs/predicates/deploy-vsa.md */
const RUN = 'waybill_run';
const LEVELS = ['verifiedLevels'];
/**
 * `deploy-verified`: by the deployer, passed, for this repository and environment, under this policy (13-adversary 27). It is also
 * how a cluster learns of the source: engines look at statements about an image, and source summaries are about a commit.
 * @throws `policy/not-expressible`
 */
function deployLink(question) {
    const { deployer, source, repository, policy } = question;
    const { signer, environment } = deployer;
    return {
        item: 'deploy-verified',
        signer,
        predicateTypes: [statement/* VERIFICATION_SUMMARY_PREDICATE */.xh],
        conditions: [
            equal(['verificationResult'], 'PASSED'),
            ...verifierConditions(signer, ['verifier', 'id']),
            repository === undefined
                ? { path: ['resourceUri'], is: 'resource', environment }
                : equal(['resourceUri'], (0,deploy_vsa/* deployResource */.mH)(repository, environment)),
            policyCondition(deployer.policy ?? (0,policy_name/* sharedName */.F)(policy.uri), policy.digest),
            { path: LEVELS, is: 'containing', value: (0,deploy_vsa/* deployLevel */.KG)(environment) },
            ...source.flatMap(levelConditions),
            ...(signer.kind === 'github' ? runOf(signer, environment) : []),
            ...(signer.kind === 'sigstore' ? [noPullRequest([RUN, 'event_name'])] : []),
        ],
    };
}
/** By name where the rule names a policy, or the present one has a name that others share; else by its bytes. */
function policyCondition(name, digest) {
    return name === undefined ? equal(['policy', 'digest', 'sha256'], (0,core_digest/* hexOf */.ZD)(digest)) : equal(['policy', 'uri'], name);
}
function runOf(signer, environment) {
    refuseCommits(signer);
    refuseOtherCaller(signer);
    const own = signer.environment === undefined ? [] : [equal([RUN, 'environment'], environment)];
    const started = startedWorkflow(signer);
    return [
        equal([RUN, 'repository'], signer.repository),
        ...runConditions(signer, {
            repositoryId: [RUN, 'repository_id'],
            event: [RUN, 'event_name'],
            runner: [RUN, 'runner_environment'],
            ref: [RUN, 'ref'],
        }),
        ...(started !== undefined && 'ref' in started.at
            ? [{ path: [RUN, 'ref'], is: 'matching', patterns: [started.at.ref.text] }]
            : []),
        ...own,
    ];
}
/** A deploy summary names the run's repository, not the workflow that called the one which signed. */
function refuseOtherCaller({ caller, signer }) {
    if (caller === undefined || caller === 'any')
        return;
    throw notExpressible('No engine reads which workflow called that of a deployer', 'a deployer without caller, or caller: any', `caller ${caller.text} of ${signer.text}`, 'Write caller: any: repository, its id, ref and environment are compared all the same.');
}
/** A signed history meets whoever asks for an accepted one, never the other way round. */
function levelConditions(item) {
    const level = (value) => ({ path: LEVELS, is: 'containing', value });
    if (item === 'source-signed')
        return [level('ORG_SOURCE_COMMITS_SIGNED')];
    if (item === 'source-reviewed')
        return [level('ORG_SOURCE_REVIEWED')];
    return [{ is: 'any-of', of: [[level('ORG_SOURCE_COMMITS_SIGNED')], [level('ORG_SOURCE_COMMITS_ACCEPTED')]] }];
}

// EXTERNAL MODULE: ./lib/policy/cover.js
var cover = __webpack_require__(9385);
// EXTERNAL MODULE: ./lib/policy/overlap.js
var overlap = __webpack_require__(91581);
;// CONCATENATED MODULE: ./lib/admission/disjoint.js



/**
 * The rules that are about images, in a form in which it does not matter that engines let every policy that matches have its say
 * while here the first rule decides (13-adversary 30). Rules that deny what comes last are what a cluster does by itself.
 * @throws `policy/not-expressible` when two rules say different things about one image.
 */
function disjointRules(rules) {
    const budget = { left: cover/* COVER_BUDGET */.e };
    const files = rules.flatMap(({ match }) => match.filter(({ of }) => of === 'file'));
    const images = rules.flatMap(imagesOnly);
    for (const rule of images)
        if (rule.kind === 'allow')
            refuseEverything(rule);
    const kept = images.filter((rule, at) => rule.kind === 'allow' || narrows(rule, images.slice(at + 1), budget));
    kept.forEach((rule, at) => {
        for (const later of kept.slice(at + 1))
            refuseOverlap(rule, later, budget);
    });
    return {
        rules: kept,
        notes: files.length === 0 ? [] : [`Rules for files are the gate’s alone: ${files.map(({ text }) => text).join(', ')}.`],
    };
}
function imagesOnly(rule) {
    const [first, ...more] = rule.match.filter(({ of }) => of === 'image');
    return first === undefined ? [] : [{ ...rule, match: [first, ...more] }];
}
/** A deny is needed only above a rule that would allow the same: what no rule allows is denied anyway. */
function narrows(deny, later, budget) {
    return later.some(rule => rule.kind === 'allow' && meeting(deny, rule, budget) !== undefined);
}
/** It would also be about what the cluster itself runs, and about registries that nobody thought of. */
function refuseEverything({ match }) {
    const all = match.find(({ text }) => /^\*+(\/\*+)*$/.test(text));
    if (all === undefined)
        return;
    throw notExpressible('A rule for every image cannot be enforced by a cluster, whose own images it would be about', 'patterns that name a registry', all.text, 'Name the registries: match: ["ghcr.io/acme/**"]. What no rule matches is denied.');
}
/**
 * The earlier rule decides alone. Below a deny that changes nothing: engines deny, too. Anywhere else both would be asked for, or
 * what is allowed here denied there.
 */
function refuseOverlap(earlier, later, budget) {
    if (earlier.kind === 'deny') {
        if (later.kind === 'allow')
            refuseOtherSpelling(earlier, later, budget);
        return;
    }
    const both = meeting(earlier, later, budget);
    if (both === undefined)
        return;
    throw notExpressible('Two rules match the same image; here the first decides, in a cluster both do', 'rules of which at most one matches any image', both.map(({ text }) => text).join(' and '), 'Write patterns that do not meet, for instance the repositories by name, and deny above what is allowed.');
}
/**
 * Engines compare a registry as a pod spells it (13-adversary 34): `ghcr.io:443` or `GHCR.IO` is not what is denied, and a star
 * in the host of what is allowed would match it. A host without stars is allowed in one spelling alone.
 */
function refuseOtherSpelling(deny, allow, budget) {
    const wide = allow.match.filter(({ text }) => text.split('/', 1)[0]?.includes('*'));
    for (const mine of deny.match)
        for (const theirs of wide)
            if ((0,overlap/* overlaps */.$)(mine, theirs, budget))
                throw notExpressible('A pod may spell a registry otherwise than the rule that denies it, and a star would allow that', 'registries by their names, where something of them is denied', `${mine.text} and ${theirs.text}`, 'Name the registries that are allowed: match: ["ghcr.io/acme/**"].');
}
function meeting(a, b, budget) {
    for (const mine of a.match)
        for (const theirs of b.match)
            if ((0,overlap/* overlaps */.$)(mine, theirs, budget))
                return [mine, theirs];
    return undefined;
}

// EXTERNAL MODULE: ./lib/policy/revocation.js
var revocation = __webpack_require__(59032);
;// CONCATENATED MODULE: ./lib/admission/revoked.js



/**
 * A gate refuses what a revoked signer signed after the revocation took effect; engines read neither the time of a signature nor
 * the number of a certificate.
 * @throws `policy/not-expressible` when an entry could be about statements that the rule accepts.
 */
function refuseRevoked({ build, deployer }, revoked) {
    const signers = [build, ...(deployer === undefined ? [] : [deployer.signer])];
    const entry = revoked.find(item => signers.some(signer => concerns(item, signer)));
    if (entry === undefined)
        return;
    throw notExpressible('No engine refuses what a revoked signer signed after a certain day', 'signers of which nothing is revoked', (0,revocation/* revokedText */.ww)(entry), 'Name the images that were signed so under quarantined, and keep the entry in the policy that judges commits alone.');
}
function concerns(entry, signer) {
    switch (entry.kind) {
        // 64 digits may be those of a certificate as well as of a key; 40 and SHA256:… are keys of persons.
        case 'key':
            return signer.kind === 'key'
                ? entry.fingerprint === signer.fingerprint?.toUpperCase()
                : /^[0-9A-F]{64}$/.test(entry.fingerprint);
        case 'serial':
            return signer.kind !== 'key';
        case 'identity':
            return signer.kind !== 'key' && signer.issuer === entry.issuer && mayBe(signer, entry);
        case 'ssh-serial':
            return false;
    }
}
/** A workflow's file is enough: which of its refs is meant is not told apart here. */
function mayBe(signer, { identity }) {
    if (signer.kind === 'github')
        return identity.startsWith(identityPattern(signer.signer, signer.server).replace(/@.*$/, '@'));
    return 'exact' in signer.identity ? signer.identity.exact === identity : identity.startsWith(signer.identity.prefix);
}

;// CONCATENATED MODULE: ./lib/admission/sbom-link.js
/** in-toto attestation framework, predicates SPDX and CycloneDX; the versions that some tools put behind. */
const SPDX = ['', '/v2.2', '/v2.3', '/v3.0', '/v3.0.1'].map(version => `https://spdx.dev/Document${version}`);
const CYCLONEDX = ['', '/v1.4', '/v1.5', '/v1.6', '/1.4', '/1.5', '/1.6'].map(version => `https://cyclonedx.org/bom${version}`);
/** Each format by the field in which it names itself, as the gate asks (`judgeSbom`). */
const SPDX_CONTENT = [
    {
        is: 'any-of',
        of: [[{ path: ['spdxVersion'], is: 'matching', patterns: ['SPDX-**'] }], [{ path: ['@graph'], is: 'list' }]],
    },
];
const CYCLONEDX_CONTENT = [{ path: ['bomFormat'], is: 'equal', value: 'CycloneDX' }];
/** `sbom`: a bill of materials by the build's signer. What stands in it is not judged. */
function sbomLink({ build }) {
    const [first = '', ...more] = SPDX;
    return {
        item: 'sbom',
        signer: build,
        predicateTypes: [first, ...more, ...CYCLONEDX],
        conditions: [],
        perType: new Map([
            ...SPDX.map(type => [type, SPDX_CONTENT]),
            ...CYCLONEDX.map(type => [type, CYCLONEDX_CONTENT]),
        ]),
    };
}

;// CONCATENATED MODULE: ./lib/admission/links.js









/**
 * What a cluster has to enforce where images run (`require` and `admit`), before any engine's spelling (13-adversary 30).
 * @param policy bound to its files. @param name of it; where a rule names none, deploy summaries are compared with this one.
 * @throws `policy/not-expressible` for what no engine can check. Nothing is left out silently: see `notes`.
 */
function admissionOf(policy, name) {
    const { rules, notes } = disjointRules(policy.deploy);
    return {
        rules: rules.flatMap(rule => admissionRules(rule, policy, name)),
        quarantined: policy.quarantined.map(({ digest }) => digest),
        notes: [...notes, ...rules.flatMap(rule => ruleNotes(rule))],
    };
}
function admissionRules(rule, policy, name) {
    if (rule.kind === 'deny')
        return [{ match: rule.match, trust: 'public-good', links: [] }];
    refuseRevoked(rule, policy.revoked);
    refuseAge(rule);
    const rest = restLinks(rule);
    const { deployer, match, trust } = rule;
    if (deployer === undefined)
        return [{ match, trust, links: rest }];
    const source = (0,requirements/* everyItem */.l5)(rule).filter(requirements/* isSourceRequirement */.xB);
    // A deploy summary names one repository: each has its own, and what a pattern matches is told by the image itself.
    return byRepository(match).map(({ match: part, repository }) => ({
        match: part,
        trust,
        links: [
            ...rest,
            deployLink({ deployer, source, policy: name, ...(repository === undefined ? {} : { repository }) }),
        ],
    }));
}
function byRepository(match) {
    const single = match.filter(isOneRepository).map(pattern => ({ match: [pattern], repository: pattern.text }));
    const [first, ...more] = match.filter(pattern => !isOneRepository(pattern));
    return first === undefined ? single : [...single, { match: [first, ...more] }];
}
function isOneRepository({ text }) {
    return !text.includes('*');
}
/** Every link but the deployer's. A provenance is a statement about the digest by the same signer, so it is a signature as well. */
function restLinks(rule) {
    const items = (0,requirements/* everyItem */.l5)(rule);
    const proved = items.includes('provenance');
    return items.flatMap(item => {
        if (item === 'deploy-verified')
            return [];
        if (item === 'provenance')
            return [provenanceLink(rule, items)];
        if (item === 'signature')
            return proved ? [] : [signatureLink(rule)];
        if (item === 'sbom')
            return [sbomLink(withIds(rule, item, proved))];
        if ((0,requirements/* isClaimRequirement */._F)(item))
            return [claimLink(rule, item)];
        if ((0,requirements/* isSourceRequirement */.xB)(item))
            requireDeployer(rule, item);
        return [];
    });
}
function signatureLink(rule) {
    const { build } = withIds(rule, 'signature', false);
    return { item: 'signature', signer: build, predicateTypes: [statement/* COSIGN_SIGN_PREDICATE */.u], conditions: [] };
}
/** Statements without a run's facts say nothing of the repository; then provenance of the same image has to (13-adversary 28). */
function withIds(rule, item, proved) {
    if (proved || rule.build.kind !== 'github')
        return rule;
    throw notExpressible(`No engine reads the repository of a run, which ${item} alone does not tell`, 'provenance beside it, which names the run', `${item} by ${rule.build.signer.text} for ${rule.match.map(({ text }) => text).join(', ')}`, `Also require provenance: require: [${item}, provenance].`);
}
function requireDeployer(rule, item) {
    if (rule.deployer !== undefined)
        return;
    throw notExpressible(`No engine follows an image to the commit that ${item} is about`, 'deploy-verified, whose summary says what was proved of the source', `${item} for ${rule.match.map(({ text }) => text).join(', ')} without deploy-verified`, 'Let a deployer vouch for it: admit: [deploy-verified] and deployer: {github: {…, environment: production}}.');
}
/** A condition has no clock that it could compare a signature's time with. */
function refuseAge({ maxAgeAtRunSeconds }) {
    if (maxAgeAtRunSeconds === undefined)
        return;
    throw notExpressible('No engine compares the age of a signature', 'a rule without max-age-at-run', `max-age-at-run of ${maxAgeAtRunSeconds} seconds`, 'Take max-age-at-run out of the rule: max-age is judged at the deploy, by the gate.');
}
function ruleNotes(rule) {
    if (rule.kind === 'deny' || rule.quarantineBy === undefined)
        return [];
    const images = rule.match.map(({ text }) => text).join(', ');
    return [
        `Quarantine records about ${images} are not read: a digest is refused when the policy names it in quarantined.`,
    ];
}

// EXTERNAL MODULE: ./lib/policy/image-name.js
var image_name = __webpack_require__(92143);
;// CONCATENATED MODULE: ./lib/admission/image-glob.js





/** What policy-controller 0.13 lets stand in a glob. */
const GLOB = /^[a-zA-Z0-9_:/*.@-]+$/;
const HUB = ['docker.io', ...image_name/* HUB_ALIASES */.zS].map(host => `${host}/**`);
/**
 * A pattern as policy-controller compares it: with the whole reference by digest, in which Docker Hub is called index.docker.io
 * (13-adversary 34). Stars mean the same in both. A pod with another spelling of a registry matches nothing, and is denied.
 * @throws `policy/not-expressible`
 */
function imageGlob(pattern) {
    refuseWideHost(pattern);
    const glob = `${pattern.text.replace(/^docker\.io\//, 'index.docker.io/')}@sha256:*`;
    if (GLOB.test(glob) && !glob.includes('***'))
        return glob;
    throw notExpressible('policy-controller has no glob for an address in brackets', 'a registry by its name', pattern.text, 'Give the registry a name, and use that in match.');
}
/** A host with a star could mean Docker Hub under a name that it has in clusters and not here. */
function refuseWideHost(pattern) {
    const [host = ''] = pattern.text.split('/');
    if (!host.includes('*'))
        return;
    const budget = { left: cover/* COVER_BUDGET */.e };
    const meets = HUB.some(text => {
        const hub = (0,match/* compilePattern */.Eb)(text);
        return hub === undefined || (0,overlap/* overlaps */.$)(pattern, hub, budget);
    });
    if (!meets)
        return;
    throw notExpressible('A pattern may mean Docker Hub, which has another name in clusters', 'docker.io by its name, or another registry by its', pattern.text, 'Name the registry: match: ["docker.io/library/**"].');
}

;// CONCATENATED MODULE: ./lib/admission/rego.js


/**
 * Conditions as a module of Rego, version 0, in the form that policy-controller evaluates: `isCompliant` of package `sigstore`, over
 * the whole statement. Rego and not CUE: what a CUE policy names and the statement lacks counts there as said.
 *
 * Whatever is undefined in a rule makes it not hold, so a missing value never does.
 */
function regoModule(predicateType, types, conditions) {
    const helpers = [];
    const lines = [
        oneOf('input._type', types),
        `input.predicateType == ${rego_text(predicateType)}`,
        ...expressions(conditions, 'input.predicate', helpers),
    ];
    const main = rule('isCompliant', [...new Set(lines)]);
    return `${['package sigstore', 'default isCompliant = false', main, ...helpers].join('\n\n')}\n`;
}
/** @param base a reference that conditions begin from. @param helpers rules they need, added to. */
function expressions(conditions, base, helpers) {
    return conditions.flatMap(condition => expressionsOf(condition, base, helpers));
}
function expressionsOf(condition, base, helpers) {
    if (condition.is === 'any-of') {
        const bodies = condition.of.map(all => expressions(all, 'at', helpers));
        return [helper('any', bodies, base, helpers)];
    }
    const place = placeOf(base, condition.path);
    switch (condition.is) {
        case 'equal':
            return [`${place} == ${json(condition.value)}`];
        case 'one-of':
            return [oneOf(place, condition.values)];
        case 'containing':
            return [`is_array(${place})`, `${place}[_] == ${rego_text(condition.value)}`];
        case 'matching':
            if (!condition.patterns.some(pattern => pattern.includes('*')))
                return [oneOf(place, condition.patterns)];
            return [`is_string(${place})`, `regex.match(${rego_text(wholeText(condition.patterns))}, ${place})`];
        case 'not-matching':
            return [`is_string(${place})`, `not regex.match(${rego_text(wholeText(condition.patterns))}, ${place})`];
        case 'absent':
            return [`not ${helper('has', [[`_ = ${placeOf('at', condition.path)}`]], base, helpers)}`];
        case 'list':
            return [`is_array(${place})`];
        case 'some':
            return [`is_array(${place})`, helper('some', [someOf(condition.where, helpers)], place, helpers)];
        case 'each-target':
            return [`is_array(${place})`, eachTarget(condition.where, place, helpers)];
        case 'resource':
            throw notExpressible('policy-controller cannot compare the repository in a deploy summary with that of the image', 'each repository by its name in match', 'a pattern that matches several repositories', 'Name the repositories one by one: match: [ghcr.io/acme/app, ghcr.io/acme/web].');
    }
}
function oneOf(place, [...values]) {
    const [only] = values;
    return values.length === 1 && only !== undefined ? `${place} == ${json(only)}` : `${place} == ${json(values)}[_]`;
}
function someOf(where, helpers) {
    return ['item = at[_]', 'is_object(item)', ...expressions(where, 'item', helpers)];
}
/** No object is without one that covers it; an item that is no object is none that anybody understands. */
function eachTarget(where, list, helpers) {
    const covers = uniqueName('covers', helpers);
    helpers.push(`same_uri(a, b) {\n  a.uri == b.uri\n}\n\nsame_uri(a, b) {\n  not has_uri(a)\n  not has_uri(b)\n}\n\nhas_uri(a) {\n  _ = a.uri\n}`, rule(`${covers}(list, target)`, [
        'item = list[_]',
        'is_object(item)',
        'is_object(target.digest)',
        'count(target.digest) > 0',
        'item.target.digest == target.digest',
        'same_uri(item.target, target)',
        ...expressions(where, 'item', helpers),
    ]));
    const bare = '[1 | item = at[_]; not is_object(item)]';
    const open = `[1 | item = at[_]; target = item.target; not ${covers}(at, target)]`;
    return helper('each', [[`count(${bare}) == 0`, `count(${open}) == 0`]], list, helpers);
}
/** A function of one value with a body for each alternative. @returns its call. */
function helper(name, bodies, argument, helpers) {
    const unique = uniqueName(name, helpers);
    helpers.push(bodies.map(lines => rule(`${unique}(at)`, lines)).join('\n\n'));
    return `${unique}(${argument})`;
}
function uniqueName(name, helpers) {
    return `${name}_${helpers.length}`;
}
function rule(head, lines) {
    return `${head} {\n${lines.map(line => `  ${line}\n`).join('')}}`;
}
function placeOf(base, path) {
    return base + path.map(key => (/^[a-z]+[A-Za-z_]+$/.test(key) ? `.${key}` : `[${rego_text(key)}]`)).join('');
}
function rego_text(value) {
    return json(value);
}
/** JSON is Rego; everything but printable ASCII is written as an escape, so that nothing in it can end a line or look like another. */
function json(value) {
    return JSON.stringify(value).replace(/[^ -~]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// EXTERNAL MODULE: ./lib/core/json.js
var core_json = __webpack_require__(3085);
;// CONCATENATED MODULE: ./lib/admission/trust-root.js



/** Where TUF metadata of GitHub's instance comes from. docs/decisions/0014-github-instance.md */
const GITHUB_MIRROR = 'https://tuf-repo.github.com';
const GITHUB_AUTHORITY = 'https://fulcio.githubapp.com';
const PUBLIC_AUTHORITY = 'https://fulcio.sigstore.dev';
const PUBLIC_LOG = 'https://rekor.sigstore.dev';
/** What stands where a URL must be and nothing is asked. RFC 2606 */
const NO_URL = 'https://unnamed.invalid';
/**
 * How policy-controller 0.13.1 can be told of a trust root. It keeps the ids of logs in a form in which it does not find them again,
 * whatever a `TrustRoot` is made from: so of every root but the built-in one it can use the certificate and timestamp authorities.
 * @throws `policy/not-expressible` for a root without a timestamp authority.
 */
function controllerTrust(trust, options) {
    if (trust === 'public-good')
        return { keyless: { url: PUBLIC_AUTHORITY }, witness: { ctlog: { url: PUBLIC_LOG } }, remarks: [] };
    if (trust === 'github')
        return githubTrust(options);
    const bytes = options.files.get(trust.file);
    if (bytes === undefined)
        throw new TypeError(`controllerTrust() without the file ${trust.file}`);
    return fileTrust(trust.file, bytes);
}
function githubTrust({ githubRoot }) {
    if (githubRoot === undefined)
        throw new TypeError('controllerTrust() without the root of the repository of GitHub');
    const spec = { remote: { mirror: GITHUB_MIRROR, root: Buffer.from(githubRoot).toString('base64') } };
    return { ...byTimestamps('waybill-github', GITHUB_AUTHORITY), root: { name: 'waybill-github', spec }, remarks: [] };
}
/** Signing certificates are not looked up in certificate logs, and the time is that of a timestamp. */
function byTimestamps(name, url) {
    return {
        keyless: { url, trustRootRef: name, insecureIgnoreSCT: true },
        witness: { rfc3161timestamp: { trustRootRef: name } },
    };
}
function fileTrust(file, bytes) {
    const root = (0,core_json/* parseJsonObject */.dw)(bytes, 'trust root');
    const authorities = usable(root.certificateAuthorities);
    const timestamps = usable(root.timestampAuthorities);
    if (authorities.length === 0 || timestamps.length === 0)
        throw notExpressible('policy-controller cannot use the transparency logs of an instance of one’s own, and without them a timestamp is needed', 'a trust root with a certificate authority and a timestamp authority that are not retired', `${file} with ${authorities.length} and ${timestamps.length}`, 'Add the timestamp authority to the trust root, and sign with its timestamps (signing-config).');
    const name = `waybill-${(0,core_digest/* hexOf */.ZD)((0,core_digest/* sha256 */.sc)(bytes)).slice(0, 12)}`;
    const [first] = authorities;
    const spec = { sigstoreKeys: { certificateAuthorities: authorities, timestampAuthorities: timestamps } };
    const url = typeof first?.uri === 'string' ? first.uri : NO_URL;
    return { ...byTimestamps(name, url), root: { name, spec }, remarks: logRemarks(file, root) };
}
/** Where the root names logs, a gate asks them. */
function logRemarks(file, root) {
    const logs = [
        ...(isFilled(root.tlogs) ? ['transparency logs'] : []),
        ...(isFilled(root.ctlogs) ? ['certificate logs'] : []),
    ];
    if (logs.length === 0)
        return [];
    return [
        `policy-controller cannot use the ${logs.join(' and ')} of ${file}: it asks for a timestamp instead. A gate asks both.`,
    ];
}
function isFilled(list) {
    return Array.isArray(list) && list.length > 0;
}
/** What is no longer in use is left out: an object of policy-controller has no place for when it ended. */
function usable(list) {
    return (Array.isArray(list) ? list : []).flatMap(item => {
        if (!(0,core_json/* isObject */.Gv)(item))
            return [];
        const { validFor, subject, uri } = item;
        if ((0,core_json/* isObject */.Gv)(validFor) && validFor.end !== undefined)
            return [];
        const names = (0,core_json/* isObject */.Gv)(subject) ? subject : {};
        return [
            {
                subject: {
                    organization: filled(names.organization, 'unnamed'),
                    commonName: filled(names.commonName, 'unnamed'),
                },
                uri: filled(uri, NO_URL),
                certChain: Buffer.from(pemOf(item)).toString('base64'),
            },
        ];
    });
}
function filled(value, otherwise) {
    return typeof value === 'string' && value !== '' ? value : otherwise;
}
function pemOf({ certChain }) {
    const certificates = (0,core_json/* isObject */.Gv)(certChain) && Array.isArray(certChain.certificates) ? certChain.certificates : [];
    return certificates
        .map(certificate => {
        const raw = (0,core_json/* isObject */.Gv)(certificate) && typeof certificate.rawBytes === 'string' ? certificate.rawBytes : '';
        const lines = Buffer.from(raw, 'base64')
            .toString('base64')
            .match(/.{1,64}/g) ?? [];
        return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
    })
        .join('');
}

;// CONCATENATED MODULE: ./lib/admission/policy-controller.js










const POLICIES = 'policy.sigstore.dev/v1beta1';
const ROOTS = 'policy.sigstore.dev/v1alpha1';
/** The default; who installed it elsewhere changes one line. */
const NAMESPACE = 'cosign-system';
const LABEL = 'policy.sigstore.dev/include';
const UNLABELLED = `Nothing is enforced in a namespace without its label: kubectl label namespace NAME ${LABEL}=true`;
/**
 * One ClusterImagePolicy for each link: policy-controller wants all policies that match and any one authority of each
 * (13-adversary 30). Besides, what it needs to deny everything else, and the roots it is to trust.
 *
 * Pure; the same admission and options give the same bytes, sorted by name. docs/admission.md
 * @throws `policy/not-expressible` for what this engine cannot check.
 */
function clusterImagePolicies(admission, options) {
    const header = (0,admission_document/* headerLines */.Hq)('policy-controller', admission, options);
    const file = (name, object, remarks = []) => (0,admission_document/* documentFile */.wW)(name, object, [...header, ...remarks]);
    const trusts = new Map(admission.rules.flatMap(rule => policy_controller_trustOf(rule, options)));
    const files = [
        ...admission.rules.flatMap(rule => rulePolicies(rule, options, file)),
        ...quarantined(admission, file),
        ...[...trusts.values()].flatMap(({ root }) => root === undefined ? [] : [file(`trustroot-${root.name}`, object(ROOTS, 'TrustRoot', root.name, root.spec))]),
        configuration(file),
        ...options.namespaces.map(name => file(`namespace-${name}`, namespace(name))),
    ];
    return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}
function policy_controller_trustOf({ trust, links }, options) {
    return links.length === 0 ? [] : [[JSON.stringify(trust), controllerTrust(trust, options)]];
}
function rulePolicies(rule, options, write) {
    const name = `waybill-${(0,admission_document/* ruleName */.oF)(rule)}`;
    const globs = rule.match.map(imageGlob);
    if (rule.links.length === 0)
        return [
            write(`clusterimagepolicy-${name}-denied`, policy_controller_policy(`${name}-denied`, globs, [refusal('denied by the policy')])),
        ];
    const trust = controllerTrust(rule.trust, options);
    return rule.links.map(link => {
        const own = `${name}-${link.item}`;
        const authorities = link.predicateTypes.map((type, at) => authority(link, type, at, trust));
        return write(`clusterimagepolicy-${own}`, policy_controller_policy(own, globs, authorities), trust.remarks);
    });
}
function policy_controller_policy(name, globs, authorities) {
    return object(POLICIES, 'ClusterImagePolicy', name, {
        mode: 'enforce',
        images: globs.map(glob => ({ glob })),
        authorities,
    });
}
/** Exactly one identity, and one type of statement with what it must say: any other combination would be an "or". */
function authority(link, type, at, trust) {
    const name = at === 0 ? link.item : `${link.item}-${at + 1}`;
    const types = link.item === 'sbom' || link.item === 'signature' ? [statement/* STATEMENT_TYPE */.zG, statement/* STATEMENT_TYPE_V01 */.PZ] : [statement/* STATEMENT_TYPE */.zG];
    const data = regoModule(type, types, conditionsOf(link, type));
    return {
        name,
        signatureFormat: 'bundle',
        keyless: { ...trust.keyless, identities: [identity(link.signer)] },
        ...trust.witness,
        attestations: [{ name, predicateType: type, policy: { type: 'rego', data } }],
    };
}
/** A subject to the letter where there is one, else an expression for the whole of it. */
function identity(signer) {
    if (signer.kind === 'key')
        throw notExpressible('policy-controller reads bundles of certificates alone', 'a signer with a certificate: github or sigstore', `the key ${signer.file}`, 'Sign without a key, or have a gate judge these images and require deploy-verified here.');
    const { issuer } = signer;
    if (signer.kind === 'sigstore') {
        if ('exact' in signer.identity)
            return { issuer, subject: signer.identity.exact };
        return { issuer, subjectRegExp: belowPrefix(signer.identity.prefix) };
    }
    const pattern = identityPattern(signer.signer, signer.server);
    return pattern.includes('*') ? { issuer, subjectRegExp: wholeText([pattern]) } : { issuer, subject: pattern };
}
/** Nothing satisfies it, and all policies that match must be satisfied. */
function refusal(message) {
    return { name: 'refused', static: { action: 'fail', message } };
}
function quarantined({ quarantined: digests }, write) {
    if (digests.length === 0)
        return [];
    const globs = digests.map(digest => `**@${digest}`);
    const remark = 'A digest is refused where a pod names it: of an index with several platforms name every digest.';
    const body = policy_controller_policy('waybill-quarantined', globs, [refusal('in quarantine by the policy')]);
    return [write('clusterimagepolicy-waybill-quarantined', body, [remark])];
}
/** 13-adversary 30: what no policy matches is denied. It is the default as well, and would be lost if somebody had changed it. */
function configuration(write) {
    const body = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'config-policy-controller', namespace: NAMESPACE },
        data: { 'no-match-policy': 'deny' },
    };
    return write('config-policy-controller', body, [UNLABELLED]);
}
function namespace(name) {
    return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [LABEL]: 'true' } } };
}
function object(apiVersion, kind, name, spec) {
    return { apiVersion, kind, metadata: { name }, spec };
}

// EXTERNAL MODULE: ./lib/core/maybe.js
var maybe = __webpack_require__(51291);
// EXTERNAL MODULE: ./lib/io/files.js
var files = __webpack_require__(8315);
// EXTERNAL MODULE: ./lib/sigstore/limits.js
var limits = __webpack_require__(55236);
// EXTERNAL MODULE: ./lib/sigstore/trust/pinned-root.js
var pinned_root = __webpack_require__(26614);
;// CONCATENATED MODULE: ./lib/entry/admission-files.js








/** The deploy rules of a law as policies for one engine. @throws `policy/not-expressible` */
async function admissionFiles(wish) {
    const { engine, law, cache, ...named } = wish;
    const admission = admissionOf(law.policy, wish.policy);
    const options = {
        ...named,
        files: law.files,
        ...(0,maybe/* maybe */.n)('githubRoot', await githubRoot(law, cache)),
    };
    const { notes } = admission;
    if (engine === 'policy-controller')
        return { files: clusterImagePolicies(admission, options), notes };
    const texts = [...law.files].map(([file, bytes]) => [file, { trustedRoot: Buffer.from(bytes).toString('utf8') }]);
    const files = imageValidatingPolicies(admission, {
        header: (0,admission_document/* headerLines */.Hq)(engine, admission, options),
        trust: new Map(texts),
        namespaces: wish.namespaces,
    });
    return { files, notes };
}
/** Where a cluster begins to trust GitHub's own instance. */
async function githubRoot({ policy }, cache) {
    if (!policy.deploy.some(rule => rule.kind === 'allow' && rule.trust === 'github'))
        return undefined;
    const path = await (0,pinned_root/* pinnedRootFile */.ZE)(pinned_root/* GITHUB_ROOT */.fY, cache, limits/* SIGSTORE_LIMITS */.O.tufMs);
    return (0,files/* readFileBounded */.Y1)(path, limits/* SIGSTORE_LIMITS */.O.tufRootBytes);
}


/***/ })

};
