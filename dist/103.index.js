export const id = 103;
export const ids = [103];
export const modules = {

/***/ 15103:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  runDeploy: () => (/* binding */ runDeploy)
});

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(76760);
// EXTERNAL MODULE: ./lib/core/digest.js
var digest = __webpack_require__(53871);
// EXTERNAL MODULE: ./lib/core/error.js
var core_error = __webpack_require__(11105);
// EXTERNAL MODULE: ./lib/core/limits.js
var limits = __webpack_require__(97535);
// EXTERNAL MODULE: ./lib/io/files.js
var io_files = __webpack_require__(8315);
// EXTERNAL MODULE: ./lib/io/state-folder.js
var state_folder = __webpack_require__(54006);
// EXTERNAL MODULE: ./lib/registry/bundles.js + 1 modules
var registry_bundles = __webpack_require__(2067);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(57075);
// EXTERNAL MODULE: ./lib/core/parallel.js
var parallel = __webpack_require__(89492);
// EXTERNAL MODULE: ./lib/registry/reference.js
var registry_reference = __webpack_require__(9758);
// EXTERNAL MODULE: ./lib/registry/referrers.js
var registry_referrers = __webpack_require__(75455);
// EXTERNAL MODULE: ./lib/registry/resend.js
var resend = __webpack_require__(67672);
;// CONCATENATED MODULE: ./lib/registry/copy.js






/** Bytes asked for at once: what is in memory of a layer, whatever its size. */
const PIECE_BYTES = 32 * 1024 * 1024;
const PIECE_MS = 5 * 60_000;
const PARALLEL = 4;
const MAX_DEPTH = 4;
const UNREADABLE = new Set([
    'registry/not-found',
    'registry/manifest-malformed',
    'registry/digest-mismatch',
]);
/**
 * Brings an image by digest into another repository with everything that is attached to it and to its parts: children before
 * parents, nothing is tagged. Within one registry blobs are mounted. Every byte is hashed; what is there already is not sent again.
 * @throws `registry/digest-mismatch`, `registry/referrers-incomplete` (a copy without a signature would look unsigned), and what
 * the client throws
 */
async function copyImage(from, to, digest) {
    const parts = [];
    const pause = (round) => to.client.transport.pause(to.repository, round);
    await (0,resend/* sendUntilComplete */.U)(pause, () => {
        parts.length = 0;
        return copyManifest(from, to, digest, parts, 1);
    });
    await (0,parallel/* inParallel */.H)(parts, PARALLEL, part => copyReferrers(from, to, part));
}
async function copyManifest(from, to, digest, parts, depth) {
    if (depth > MAX_DEPTH)
        throw (0,core_error/* fail */.fJ)('registry/image-too-large', 'Indexes are nested too deep to be copied');
    const fetched = await from.client.getManifest(from.repository, digest);
    const { manifest } = fetched;
    if (manifest.kind === 'index')
        for (const child of new Set(manifest.manifests.map(entry => entry.digest)))
            await copyManifest(from, to, child, parts, depth + 1);
    else
        await copyBlobs(from, to, manifest);
    await put(to, fetched);
    parts.push(fetched.descriptor);
}
async function put({ client, repository }, { descriptor, bytes }) {
    await client.putManifest(repository, descriptor.digest, descriptor.mediaType, bytes);
}
async function copyBlobs(from, to, manifest) {
    if (manifest.kind !== 'image')
        return;
    const mount = from.repository.host === to.repository.host ? { from: from.repository.repository } : {};
    const blobs = new Map([manifest.config, ...manifest.layers].map(blob => [blob.digest, blob]));
    await (0,parallel/* inParallel */.H)([...blobs.values()], PARALLEL, ({ digest, size }) => to.client.putBlob(to.repository, { open: () => external_node_stream_.Readable.from(piecesOf(from, digest, size), { objectMode: false }), digest, size }, { unlessPresent: true, ...mount }));
}
/** Piece by piece, so that a layer of gigabytes needs the memory of one piece. RFC 9110 § 14.2 */
async function* piecesOf({ client, repository }, digest, size) {
    for (let start = 0; start < size || start === 0; start += PIECE_BYTES) {
        const end = Math.min(start + PIECE_BYTES, size);
        const whole = size <= PIECE_BYTES;
        const answer = await client.transport.request({
            method: 'GET',
            repository,
            action: 'pull',
            path: `blobs/${digest}`,
            maxBytes: PIECE_BYTES,
            timeoutMs: PIECE_MS,
            ...(whole ? {} : { headers: { range: `bytes=${start}-${end - 1}` } }),
        }, whole ? [200] : [206]);
        yield answer.body;
    }
}
/** What has been attached to one manifest; the registry's list of the target is brought up to date in one update. */
async function copyReferrers(from, to, subject) {
    const { descriptors, complete, problems } = await (0,registry_referrers/* listReferrers */.xt)(from.client, from.repository, subject.digest);
    if (!complete)
        throw (problems[0] ??
            (0,core_error/* fail */.fJ)('registry/referrers-incomplete', `What is attached in ${(0,registry_reference/* formatReference */.FH)(from.repository)} is not known`));
    const referrers = await (0,parallel/* inParallel */.H)(descriptors, PARALLEL, entry => copyReferrer(from, to, entry, subject));
    await (0,registry_referrers/* attachReferrers */.oj)(to.client, to.repository, referrers.flat());
}
async function copyReferrer(from, to, entry, subject) {
    try {
        const { bytes, manifest } = await from.client.getManifest(from.repository, entry.digest);
        // A list may name anything; only what says itself that it belongs here is brought along.
        if (manifest.kind !== 'image' || manifest.subject?.digest !== subject.digest)
            return [];
        await copyBlobs(from, to, manifest);
        const artifactType = manifest.artifactType ?? manifest.config.mediaType;
        return [{ subject, manifest: bytes, artifactType, annotations: manifest.annotations }];
    }
    catch (error) {
        // What was planted in a list and is not there, or not whole, or is nothing that is read, must stop nobody (13-adversary 26).
        if (UNREADABLE.has((0,core_error/* asWaybillError */.d_)(error).code))
            return [];
        throw error;
    }
}

// EXTERNAL MODULE: ./lib/registry/file-bundles.js
var file_bundles = __webpack_require__(58025);
// EXTERNAL MODULE: ./lib/statements/statement.js
var statement = __webpack_require__(21355);
// EXTERNAL MODULE: ./lib/core/text.js
var core_text = __webpack_require__(69716);
// EXTERNAL MODULE: ./lib/policy/signer.js
var policy_signer = __webpack_require__(89902);
// EXTERNAL MODULE: ./lib/registry/tags.js
var registry_tags = __webpack_require__(57690);
// EXTERNAL MODULE: ./lib/statements/deploy-vsa.js
var deploy_vsa = __webpack_require__(21428);
;// CONCATENATED MODULE: ./lib/pipeline/deploy-promote.js








/** Registries asked side by side. */
const deploy_promote_PARALLEL = 4;
/**
 * Which image each tag is for. A tag alone is one of every image; with a repository it is for the image of that repository, of the
 * same path in another registry, or for the only image that there is.
 * @param units images alone. @throws `deploy/promotion-unclear` rather than guess
 */
function plannedTags(promote, units) {
    const images = units.flatMap(unit => (unit.image === undefined ? [] : [{ unit, image: unit.image }]));
    const planned = promote.flatMap(({ repository, tag }) => {
        if (repository !== undefined)
            return [{ unit: unitFor(repository, tag, images), repository, tag }];
        // Of an image that nobody deploys here, a third party's for instance, no tag is ours to move.
        const own = images.filter(({ unit }) => unit.expectation.deployer !== undefined);
        if (own.length === 0)
            throw unclear(tag, 'an image', 'none');
        return own.map(({ unit, image }) => ({ unit, repository: image.repository, tag }));
    });
    const seen = new Map();
    for (const one of planned) {
        const name = (0,registry_reference/* formatReference */.FH)({ ...one.repository, tag: one.tag });
        const before = seen.get(name);
        if (before !== undefined && before.unit.digest !== one.unit.digest)
            throw unclear(name, 'one image', `${before.unit.digest} and ${one.unit.digest}`);
        seen.set(name, one);
    }
    return [...seen.values()];
}
function unitFor(repository, tag, images) {
    const name = (0,registry_reference/* formatReference */.FH)(repository);
    const narrowing = [
        ({ unit }) => unit.resource === name,
        ({ image }) => image.repository.repository === repository.repository,
        () => true,
    ];
    for (const fits of narrowing) {
        const found = images.filter(fits);
        const [first, ...more] = found;
        if (first !== undefined && more.every(({ unit }) => unit.digest === first.unit.digest))
            return first.unit;
        if (first !== undefined)
            throw unclear(`${name}:${tag}`, 'one image', found.map(namesOf).join(', '));
    }
    throw unclear(`${name}:${tag}`, 'an image', 'none');
}
function namesOf({ unit }) {
    return `${unit.resource}@${unit.digest}`;
}
function unclear(tag, expected, found) {
    return (0,core_error/* fail */.fJ)('deploy/promotion-unclear', `The tag ${(0,core_text/* printable */.g$)(tag, 200)} is not for exactly one image`, {
        expected,
        found,
    });
}
/**
 * Points every tag to what was deployed, last of all and one after the other; each image is already where its tag is. Afterwards
 * they are read again: of two deploys that move one tag at once, the one that was written over is told (13-adversary 25).
 * @param told of each as it is moved: what comes after may fail.
 * @throws `registry/tag-newer`, `registry/tag-changed`, `registry/tag-immutable`, `registry/tag-not-ours`
 */
async function promoteTags(tags, signer, ports, told) {
    const moved = new Map();
    for (const one of tags) {
        const { registry } = one.unit.image;
        const { repository, tag, unit } = one;
        const known = moved.get(registry) ?? [];
        moved.set(registry, [...known, { repository, ...(await promoteTag(one, registry, signer, ports)) }]);
        told(`Promoted ${(0,registry_reference/* formatReference */.FH)({ ...repository, tag })} to ${unit.digest}.`);
    }
    await (0,parallel/* inParallel */.H)([...moved], deploy_promote_PARALLEL, ([registry, own]) => (0,registry_tags/* confirmTags */.cU)(registry, own));
}
/**
 * What the tag held is read and judged before, and read again right before the write: two deploys of the same image both end
 * well, one of another image stops the slower one.
 */
async function promoteTag({ unit, repository, tag }, registry, signer, ports) {
    const { descriptor, bytes } = await registry.getManifest(repository, unit.digest);
    const present = await registry.getRaw(repository, tag);
    if (present !== undefined && present.digest !== unit.digest)
        await refuseNewer({ unit, repository, tag }, present, { registry, signer, ports });
    const target = { mediaType: descriptor.mediaType, bytes };
    try {
        return await (0,registry_tags/* moveTag */.mK)(registry, repository, tag, target, { judged: { digest: present?.digest } });
    }
    catch (error) {
        if ((0,core_error/* asWaybillError */.d_)(error).code !== 'registry/tag-changed')
            throw error;
        // Another deploy of the very same image was a moment faster.
        const now = await registry.getRaw(repository, tag);
        if (now?.digest !== unit.digest)
            throw error;
        return { tag, digest: unit.digest, changed: false };
    }
}
/**
 * A deploy that was slow, or one of last week that is run again, must not take a tag back. What is deployed on purpose is a
 * newer run, whatever image it deploys. What a later run deployed to another environment is not what the tag is for.
 */
async function refuseNewer({ unit, repository, tag }, present, world) {
    const { run } = world.signer;
    const { deployer } = unit.expectation;
    if (run === undefined || deployer === undefined)
        return;
    const { bundles } = await (0,registry_bundles/* fetchBundles */.w$)(world.registry, repository, present.digest);
    const verifier = await world.ports.verifier(unit.expectation);
    for (const { bytes } of bundles) {
        const signed = await Promise.resolve()
            .then(() => verifier.bundle(bytes, { digest: present.digest }))
            // What does not verify says nothing about what the tag holds, and never stops us.
            .catch(() => undefined);
        if (signed === undefined || !isFor(signed.statement, unit.resource, deployer.environment))
            continue;
        if ((0,policy_signer/* matchSigner */.u)(deployer.signer, signed.signer).length > 0)
            continue;
        const later = runOf(signed.signer);
        if (later === undefined || BigInt(later) <= BigInt(run.id))
            continue;
        throw (0,core_error/* fail */.fJ)('registry/tag-newer', `${(0,registry_reference/* formatReference */.FH)({ ...repository, tag })} was deployed by a later run`, {
            expected: `an image that no run after ${run.id} deployed`,
            found: `${present.digest}, deployed by run ${later}`,
            remedy: 'Start a new run to deploy this image on purpose; a run that is repeated stays as old as it is.',
        });
    }
}
function isFor(statement, resource, environment) {
    return (0,deploy_vsa/* isDeploySummary */.cs)(statement) && statement.predicate.resourceUri === (0,deploy_vsa/* deployResource */.mH)(resource, environment);
}
function runOf(signer) {
    if (signer.kind === 'key')
        return undefined;
    return /\/actions\/runs\/(\d{1,19})(?:\/|$)/.exec(signer.ci.runInvocationUri ?? '')?.[1];
}

// EXTERNAL MODULE: ./lib/core/verdict.js
var verdict = __webpack_require__(94418);
// EXTERNAL MODULE: ./lib/pipeline/run.js
var run = __webpack_require__(5179);
// EXTERNAL MODULE: ./lib/pipeline/stages.js
var stages = __webpack_require__(23435);
;// CONCATENATED MODULE: ./lib/pipeline/deploy-record.js




const STAGES = ['preflight', 'judge', 'sign', 'publish', 'self-verify', 'tags'];
/** What a deploy has learned so far, written down as it happens: a failed one still tells all it knows. */
class DeployRecord {
    attestations = [];
    notices = [];
    #request;
    #ports;
    #stages = new Map();
    #judged = [];
    #identity;
    #error;
    constructor(request, ports) {
        this.#request = request;
        this.#ports = ports;
    }
    async stage(name, work) {
        const started = this.#ports.clock();
        this.#ports.progress(`${name} …`);
        const set = (state) => {
            this.#stages.set(name, { name, state, ms: Math.round(this.#ports.clock() - started) });
        };
        try {
            const value = await work();
            set('passed');
            return value;
        }
        catch (error) {
            set((0,stages/* outcomeOfError */.S)((0,core_error/* asWaybillError */.d_)(error)));
            throw error;
        }
    }
    notAsked(name) {
        this.#stages.set(name, { name, state: 'not-asked', ms: 0 });
    }
    judged(receipt) {
        this.#judged = [...this.#judged, receipt];
        const verdict = this.#verdictOfGate();
        const ms = this.#judged.flatMap(({ stages }) => stages).reduce((sum, stage) => sum + stage.ms, 0);
        this.#stages.set('judge', { name: 'judge', state: verdict, ms });
    }
    signedBy(identity) {
        this.#identity = identity;
    }
    fail(error) {
        this.#error = (0,core_error/* asWaybillError */.d_)(error);
    }
    get error() {
        return this.#error;
    }
    receipt() {
        const { command, policy } = this.#request;
        const [first] = this.#judged;
        const error = this.#error === undefined ? first?.error : (0,run/* errorReceipt */.Zp)(this.#error);
        return {
            schemaVersion: 1,
            command,
            verdict: this.#verdict(),
            subjects: this.#judged.flatMap(({ subjects }) => subjects),
            stages: STAGES.map(name => this.#stages.get(name) ?? { name, state: 'not-reached', ms: 0 }),
            attestations: this.attestations,
            policy,
            ...(this.#identity === undefined ? {} : { identity: this.#identity }),
            notChecked: [...new Set(this.#judged.flatMap(({ notChecked }) => notChecked))],
            notices: [...this.notices],
            ...(error === undefined ? {} : { error }),
        };
    }
    #verdict() {
        const judged = this.#verdictOfGate();
        return this.#error === undefined
            ? judged
            : (0,verdict/* worst */.QZ)([judged === 'rejected' ? judged : 'passed', (0,stages/* outcomeOfError */.S)(this.#error)]);
    }
    /** Nothing judged is never "passed". */
    #verdictOfGate() {
        const [first, ...more] = this.#judged.map(({ verdict }) => verdict);
        return first === undefined ? 'unknown' : (0,verdict/* worst */.QZ)([first, ...more]);
    }
}

// EXTERNAL MODULE: ./lib/core/json.js
var json = __webpack_require__(3085);
// EXTERNAL MODULE: ./lib/policy/deploy-link.js
var deploy_link = __webpack_require__(48612);
;// CONCATENATED MODULE: ./lib/policy/same-deployer.js
/** What differs from run to run of the same workflow on the same ref. */
const OF_A_RUN = [
    'runInvocationUri',
    'sourceRepositoryDigest',
    'buildSignerDigest',
    'buildConfigDigest',
    'buildTrigger',
];
/**
 * Whether a found signature is by whoever deploys now, in whichever run: the same key, or the same identity in every certified
 * field but those of the run. Deploying the same again then says nothing new.
 * @param own as it will be certified, for all that is known before.
 */
function isSameDeployer(found, own) {
    if (found.kind === 'key' || own.kind === 'key')
        return found.kind === own.kind && found.fingerprint === own.fingerprint;
    return found.san.type === own.san.type && found.san.value === own.san.value && sameIdentity(found, own);
}
function sameIdentity(found, own) {
    if (found.issuer !== own.issuer)
        return false;
    const { environment } = found.ci;
    // Older authorities do not write it; one that is there and not ours is another job's.
    if (environment !== undefined && environment !== own.ci.environment)
        return false;
    const fields = Object.keys({ ...found.ci, ...own.ci });
    return fields.every(field => field === 'environment' || OF_A_RUN.includes(field) || found.ci[field] === own.ci[field]);
}

// EXTERNAL MODULE: ./lib/registry/image.js
var registry_image = __webpack_require__(67350);
// EXTERNAL MODULE: ./lib/statements/parse.js
var parse = __webpack_require__(14597);
// EXTERNAL MODULE: ./lib/statements/same.js
var statements_same = __webpack_require__(31650);
;// CONCATENATED MODULE: ./lib/pipeline/deploy-summaries.js










/**
 * Signs a summary for each unit whose rule names a deployer, all with one certificate or key, but for those that say what an own
 * summary of an earlier deploy says already. A bundle is on disk the moment it exists.
 * @throws `deploy/not-the-deployer` before anything is signed, `sigstore/…`
 */
async function signSummaries(units, signer, request, ports) {
    const wanted = [];
    for (const unit of units)
        wanted.push({ unit, subjects: await subjectsOf(unit) });
    if (wanted.length === 0)
        return [];
    const hand = once(() => signer.hand());
    const observed = signer.observed ?? (await hand()).signer;
    // Nothing is signed for one image when it cannot be for another.
    for (const one of wanted)
        requireDeployer(one, statementOf(one, observed, signer, request, ports), observed);
    const state = await ports.state();
    const signed = [];
    for (const one of wanted)
        signed.push(await summaryOf(one, { signer, observed, hand, state, request, ports }));
    return signed;
}
async function summaryOf(one, world) {
    const { unit, subjects } = one;
    const { signer, hand, request, ports } = world;
    const name = `bundles/deploy-${(0,digest/* hexOf */.ZD)((0,digest/* sha256 */.sc)(unit.resource)).slice(0, 12)}-${(0,digest/* hexOf */.ZD)(unit.digest).slice(0, 12)}.sigstore.json`;
    const earlier = await earlierOf(one, world);
    if (earlier !== undefined) {
        const { bytes, signed } = earlier;
        const { signedAt, log } = signed;
        if (signedAt === undefined)
            throw (0,core_error/* fail */.fJ)('core/internal', 'A found summary without a time');
        const path = await ports.keep(name, bytes);
        return {
            unit,
            subjects,
            bytes,
            signer: signed.signer,
            signedAt,
            path,
            reused: true,
            ...(log === undefined ? {} : { log }),
        };
    }
    const own = await hand();
    const statement = statementOf(one, own.signer, signer, request, ports);
    requireDeployer(one, statement, own.signer);
    const { bundle: bytes, signedAt, log } = await own.sign(statement);
    const path = await ports.keep(name, bytes);
    return {
        unit,
        subjects,
        bytes,
        signer: own.signer,
        signedAt,
        path,
        reused: false,
        ...(log === undefined ? {} : { log }),
    };
}
/** Planted ones do not verify, are of somebody else, or say something else: they are passed over (13-adversary 24). */
async function earlierOf(one, world) {
    const { unit } = one;
    const { signer, observed, request, ports } = world;
    const wanted = (0,parse/* parseStatement */.By)(statementOf(one, observed, signer, request, ports));
    const found = [...unit.known, ...(await verifiedState(unit, world))].filter(({ signed }) => {
        return isReusable(signed, wanted, unit, ports.now()) && isSameDeployer(signed.signer, observed);
    });
    const [first] = found.sort((a, b) => timeOf(b) - timeOf(a) || (a.signed.bundle < b.signed.bundle ? -1 : 1));
    return first;
}
async function verifiedState({ expectation, digest }, { state, ports }) {
    if (state.length === 0)
        return [];
    const verifier = await ports.verifier(expectation);
    const found = [];
    for (const bytes of state) {
        try {
            found.push({ bytes, signed: await verifier.bundle(bytes, { digest }) });
        }
        catch (error) {
            const { code } = (0,core_error/* asWaybillError */.d_)(error);
            ports.progress(`ignored a bundle in the output folder: ${code}`);
        }
    }
    return found;
}
/** One that has lived through half of its time is signed anew: what runs shall not expire the day after it was deployed. */
function isReusable(found, wanted, { expectation, resource }, now) {
    const { statement, signedAt, form } = found;
    if (form !== undefined || signedAt === undefined || !(0,deploy_vsa/* isDeploySummary */.cs)(statement))
        return false;
    const { maxAgeSeconds } = expectation;
    if (maxAgeSeconds !== undefined && now.getTime() - signedAt.getTime() > (maxAgeSeconds * 1000) / 2)
        return false;
    const same = (0,statements_same/* sameSubjects */.Ye)(statement, wanted) && (0,statements_same/* sameClaim */.PX)(withoutVersion(statement), withoutVersion(wanted));
    return same && refusals(found, expectation, resource).length === 0;
}
/** Another version of Waybill, or another event of the same workflow, lets in the same thing. */
function withoutVersion(statement) {
    const { verifier: _verifier, waybill_run: run, ...predicate } = statement.predicate;
    if (!(0,json/* isObject */.Gv)(run))
        return { ...statement, predicate };
    const { event_name: _event, ...same } = run;
    return { ...statement, predicate: { ...predicate, waybill_run: same } };
}
/** What a gate where it runs would say of the summary, asked before it exists. @throws `deploy/not-the-deployer` */
function requireDeployer({ unit }, bytes, signer) {
    const { expectation, resource } = unit;
    const draft = { statement: (0,parse/* parseStatement */.By)(bytes), signer };
    const [first] = refusals(draft, expectation, resource);
    if (first === undefined)
        return;
    throw (0,core_error/* fail */.fJ)('deploy/not-the-deployer', `No cluster would accept this deploy of ${resource}: ${first.message}`, {
        expected: first.expected ?? expectation.description,
        found: first.found ?? (0,policy_signer/* observedText */.a)(signer),
    });
}
/** What a gate where it runs holds against a summary, whoever made it. */
function refusals(signed, expectation, resource) {
    const { deployer } = expectation;
    if (deployer === undefined)
        throw new TypeError('a deploy summary without a deployer');
    return [
        ...(0,policy_signer/* matchSigner */.u)(deployer.signer, signed.signer, resource),
        ...(0,deploy_link/* judgeDeploySummary */.L)(signed, expectation, resource),
    ];
}
function statementOf({ unit, subjects }, signer, { run }, { environment, policy, waybillVersion }, ports) {
    const digests = [...new Set([unit.digest, ...subjects.map(({ digest }) => digest)])];
    const [first, ...more] = digests;
    if (first === undefined)
        throw new TypeError('a summary about nothing');
    return (0,deploy_vsa/* deploySummaryStatement */.Fx)({
        digests: [first, ...more],
        verifierId: (0,deploy_vsa/* deployVerifierId */.VY)(signer),
        resource: unit.resource,
        environment,
        policy: { uri: policy.uri, digest: policy.digest },
        inputs: inputsOf(unit),
        verifiedAt: ports.now(),
        waybillVersion,
        sourceLevels: sourceLevels(unit),
        ...(run === undefined || signer.kind === 'key' ? {} : { run: withoutId(run) }),
    });
}
function withoutId({ id: _id, ...run }) {
    return run;
}
/** Everything the verdict rests on, each once, in one order: the same evidence gives the same bytes. */
function inputsOf({ proofs }) {
    const statements = proofs.flatMap(({ parts }) => parts.flatMap(part => part.statements));
    const inputs = new Map(statements.map(item => [`${item.statement.predicateType} ${item.payload}`, item]));
    return [...inputs]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { statement, payload }]) => ({ uri: statement.predicateType, digest: payload }));
}
/** What was proved of the source, and nothing that was not asked: this is how a cluster learns it. */
function sourceLevels({ proofs }) {
    const proved = new Set(proofs.map(({ requirement }) => requirement));
    const levels = [];
    if (proved.has('source-signed'))
        levels.push('ORG_SOURCE_COMMITS_SIGNED');
    // A signed history meets whoever asks for an accepted one.
    if (proved.has('source-signed') || proved.has('source-accepted'))
        levels.push('ORG_SOURCE_COMMITS_ACCEPTED');
    if (proved.has('source-reviewed'))
        levels.push('ORG_SOURCE_REVIEWED');
    return levels;
}
/** Manifest and platforms, read by digest from where the image is now. */
async function subjectsOf({ image, digest }) {
    if (image === undefined)
        return [];
    const { registry, repository } = image.from ?? image;
    const { descriptor, platforms } = await (0,registry_image/* inspectImage */.m)(registry, repository, digest);
    return [...new Map([descriptor, ...platforms.map(one => one.descriptor)].map(one => [one.digest, one])).values()];
}
function timeOf({ signed }) {
    return signed.signedAt?.getTime() ?? 0;
}
function once(make) {
    let made;
    return () => {
        made ??= make();
        return made;
    };
}

;// CONCATENATED MODULE: ./lib/pipeline/deploy.js











/**
 * Verify → sign → publish → read back → promote (7-verify-deploy § 3). Until everything is proved nothing is signed, and until what
 * was signed is served nothing is promoted. Never throws: what went wrong stands in the outcome.
 */
async function deploy(request, ports) {
    const record = new DeployRecord(request, ports);
    try {
        const deployed = await deployAll(request, ports, record);
        return { receipt: record.receipt(), ...(deployed === undefined ? {} : { deployed }) };
    }
    catch (error) {
        record.fail(error);
        return { receipt: record.receipt(), ...(record.error === undefined ? {} : { error: record.error }) };
    }
}
async function deployAll(request, ports, record) {
    const signer = await record.stage('preflight', () => ports.preflight());
    const judged = await ports.judge();
    record.judged(judged.receipt);
    if (judged.receipt.verdict !== 'passed')
        return undefined;
    if (judged.units.length === 0)
        throw (0,core_error/* fail */.fJ)('deploy/nothing-to-deploy', 'Nothing that was named is an image or a file');
    const planned = plannedTags(request.promote, judged.units);
    const copies = await copiesOf(planned, judged.units, ports, record);
    if (copies === undefined)
        return undefined;
    const units = [...judged.units, ...copies];
    const signing = units.filter(({ expectation }) => expectation.deployer !== undefined);
    tellUnsigned(units, record);
    const summaries = await record.stage('sign', async () => {
        await ports.prepare(judged, await observedOf(signer));
        return signSummaries(signing, signer, request, ports);
    });
    tellSigned(summaries, record);
    const attestations = await record.stage('publish', () => publish(units, summaries));
    record.attestations = attestations;
    await record.stage('self-verify', () => readBack(summaries, ports));
    const tags = inTheirRepositories(planned, units);
    if (tags.length === 0)
        record.notAsked('tags');
    else {
        const told = (sentence) => record.notices.push(sentence);
        await record.stage('tags', () => promoteTags(tags, signer, ports, told));
    }
    return { units, summaries, attestations, tags };
}
/** Who it will be; where only the certificate tells, it is asked for now that something will be signed. */
async function observedOf(signer) {
    return signer.observed ?? (await signer.hand()).signer;
}
/** Images that a tag brings into another repository, judged there under the rule for that name. */
async function copiesOf(planned, units, ports, record) {
    const known = new Set(units.map(nameOf));
    const copies = new Map();
    for (const { unit, repository } of planned) {
        const name = `${(0,registry_reference/* formatReference */.FH)(repository)}@${unit.digest}`;
        if (!known.has(name))
            copies.set(name, { unit, to: repository });
    }
    const judged = [];
    for (const { unit, to } of copies.values()) {
        const { receipt, units: found } = await ports.judgeCopy(unit, to);
        record.judged(receipt);
        if (receipt.verdict !== 'passed')
            return undefined;
        judged.push(...found);
    }
    return judged;
}
function tellUnsigned(units, record) {
    for (const { resource, expectation } of units)
        if (expectation.deployer === undefined)
            record.notices.push(`No deploy summary of ${resource}: its rule names no deployer, so nobody asks for one.`);
}
function tellSigned(summaries, record) {
    const reused = summaries.filter(summary => summary.reused).length;
    if (reused > 0)
        record.notices.push(`${reused} of ${summaries.length} deploy summaries were there, signed by an earlier deploy.`);
    const signer = summaries[0]?.signer;
    if (signer?.kind === 'certificate')
        record.signedBy({ san: signer.san.value, issuer: signer.issuer });
}
/** First what is copied, by digest; then the summaries beside every manifest they are about. */
async function publish(units, summaries) {
    for (const { image, digest } of units)
        if (image?.from !== undefined)
            await copyImage({ client: image.from.registry, repository: image.from.repository }, { client: image.registry, repository: image.repository }, digest);
    const receipts = [];
    // One after the other: two updates of one list at once would be in each other's way.
    for (const summary of summaries)
        receipts.push(await attach(summary));
    return receipts;
}
async function attach({ unit, subjects, bytes, signedAt, path, log, }) {
    const receipt = {
        predicateType: statement/* VERIFICATION_SUMMARY_PREDICATE */.xh,
        subject: unit.digest,
        bundle: path,
        ...(log === undefined ? {} : { log }),
    };
    const { image, file } = unit;
    if (image !== undefined) {
        const items = subjects.map(subject => {
            return { subject, bundle: bytes, predicateType: statement/* VERIFICATION_SUMMARY_PREDICATE */.xh, created: signedAt };
        });
        const [first] = await (0,registry_bundles/* attachBundles */.Z6)(image.registry, image.repository, items);
        if (first === undefined)
            throw new TypeError('an image without a manifest');
        const stored = [`${(0,registry_reference/* formatReference */.FH)(image.repository)} (${first.stored})`];
        return { ...receipt, manifest: first.manifest, stored };
    }
    if (file?.store === undefined)
        return receipt;
    const { registry, repository } = file.store;
    const { tag, manifest } = await (0,file_bundles/* pushFileBundles */.kf)(registry, repository, unit.digest, [bytes]);
    return { ...receipt, manifest, stored: [(0,registry_reference/* formatReference */.FH)({ ...repository, tag })] };
}
/** The gate as a cluster's gate: what it does not find, or does not accept, is not promoted. */
async function readBack(summaries, ports) {
    if (summaries.length === 0)
        return;
    const found = await ports.readBack(summaries.map(({ unit }) => unit), summaries.flatMap(({ unit, path }) => (unit.image === undefined ? [path] : [])));
    for (const { unit, bytes } of summaries) {
        const back = found.find(one => one.resource === unit.resource && one.digest === unit.digest);
        if (back === undefined)
            throw notServed(unit, 'nothing was read back');
        const [against] = back.findings.filter(({ severity }) => severity === 'reject');
        if (back.verdict !== 'passed')
            throw against === undefined ? notServed(unit, back.verdict) : (0,run/* errorOf */.Mz)(against, back.verdict);
        if (!back.bundles.has((0,digest/* sha256 */.sc)(bytes)))
            throw notServed(unit, 'other bundles');
    }
}
function notServed(unit, found) {
    return (0,core_error/* fail */.fJ)('deploy/not-served', `The deploy summary of ${nameOf(unit)} is not served`, { found });
}
/** With the registry of where each image is now: that of its copy, where one was made. */
function inTheirRepositories(planned, units) {
    return planned.map(one => {
        const name = `${(0,registry_reference/* formatReference */.FH)(one.repository)}@${one.unit.digest}`;
        return { ...one, unit: units.find(unit => nameOf(unit) === name) ?? one.unit };
    });
}
function nameOf({ resource, digest }) {
    return `${resource}@${digest}`;
}

// EXTERNAL MODULE: ./lib/policy/gate.js + 9 modules
var gate = __webpack_require__(55509);
// EXTERNAL MODULE: ./lib/report/text.js
var report_text = __webpack_require__(44639);
// EXTERNAL MODULE: ./lib/statements/deployment-document.js + 1 modules
var deployment_document = __webpack_require__(41886);
// EXTERNAL MODULE: ./lib/core/bytes.js
var core_bytes = __webpack_require__(96752);
// EXTERNAL MODULE: ./lib/subjects/annotations.js
var subjects_annotations = __webpack_require__(72684);
// EXTERNAL MODULE: ./lib/subjects/json-path.js
var json_path = __webpack_require__(78795);
// EXTERNAL MODULE: ./lib/subjects/leaves.js
var leaves = __webpack_require__(56865);
// EXTERNAL MODULE: ./lib/subjects/manifests.js
var manifests = __webpack_require__(11095);
// EXTERNAL MODULE: ./lib/subjects/place.js
var place = __webpack_require__(90590);
// EXTERNAL MODULE: ./lib/subjects/workload-kinds.js
var workload_kinds = __webpack_require__(73874);
// EXTERNAL MODULE: ./lib/subjects/yaml-documents.js + 2 modules
var yaml_documents = __webpack_require__(88774);
;// CONCATENATED MODULE: ./lib/subjects/annotate.js










/**
 * Writes who is expected to have built and deployed each image into the pod templates of the built-in kinds, also inside a List:
 * one annotation a pod, `EXPECTED_ANNOTATION`. Nothing else changes: comments, quotes and anchors stay.
 * @param bytes a manifest with digests; @param images those that were deployed, by name and digest.
 * @throws `deploy/not-annotatable` where it cannot be written without changing more
 */
function annotatePods(bytes, images, { file }) {
    const before = (0,yaml_documents/* readYamlFile */.k)(bytes, file);
    const found = (0,manifests/* imagesInManifests */.k)(bytes, { file }).images;
    const splices = [];
    const changed = new Map();
    for (const template of templatesIn(before)) {
        const value = valueFor(template, found, images);
        if (value === undefined)
            continue;
        splices.push(spliceFor(template, value, before, file));
        changed.set(`${template.document} ${annotationPath(template.path)}`, value);
    }
    const annotated = (0,core_bytes/* utf8 */.As)(spliced(before.text, splices));
    checkResult(before, (0,yaml_documents/* readYamlFile */.k)(annotated, file), changed, file);
    return annotated;
}
function annotationPath(template) {
    return (0,json_path/* keyPath */.D)((0,json_path/* keyPath */.D)((0,json_path/* keyPath */.D)(template, 'metadata'), 'annotations'), subjects_annotations/* EXPECTED_ANNOTATION */.Xq);
}
function templatesIn(file) {
    const templates = [];
    for (const { number, root } of file.documents())
        if (root !== undefined)
            collect(root, '', number, templates);
    return templates;
}
function collect(slot, path, document, templates) {
    if (slot.node.kind !== 'map')
        return;
    const kind = (0,workload_kinds/* kindOf */.I)(slot.node);
    if (kind === undefined)
        return;
    const items = slot.node.entries.get('items')?.node;
    if (kind.kind.endsWith('List') && items?.kind === 'list')
        for (const [at, item] of items.items.entries())
            collect(item, (0,json_path/* itemPath */.L)((0,json_path/* keyPath */.D)(path, 'items'), at), document, templates);
    const keys = (0,workload_kinds/* podSpecPath */.s5)(kind)?.slice(0, -1);
    if (keys === undefined)
        return;
    let [found, at] = [slot, path];
    for (const key of keys) {
        found = found?.node.kind === 'map' ? found.node.entries.get(key) : undefined;
        at = (0,json_path/* keyPath */.D)(at, key);
    }
    if (found?.node.kind === 'map')
        templates.push({ document, path: at, slot: found });
}
/** Undefined for a template of which nothing was deployed. */
function valueFor({ document, path }, found, images) {
    const spec = `${(0,json_path/* keyPath */.D)(path, 'spec')}.`;
    const here = found.filter(({ place }) => place.document === document && place.path.startsWith(spec));
    const named = new Set(here.map(({ reference }) => `${reference.canonical}@${reference.digest}`));
    const own = images.filter(({ name, digest }) => named.has(`${name}@${digest}`));
    const unique = new Map(own.map(image => [`${image.name}@${image.digest}`, image]));
    return unique.size === 0 ? undefined : (0,subjects_annotations/* expectedAnnotation */.eS)([...unique.values()]);
}
function spliceFor(template, value, { text }, file) {
    const refuse = (found) => refused(file, template.path, found);
    const map = mapIn(template.slot, refuse);
    const metadata = map.entries.get('metadata');
    if (metadata === undefined)
        return inserted(template.slot, map, ['metadata', 'annotations'], value, text, refuse);
    const inner = mapIn(metadata, refuse);
    const annotations = inner.entries.get('annotations');
    if (annotations === undefined)
        return inserted(metadata, inner, ['annotations'], value, text, refuse);
    const known = mapIn(annotations, refuse);
    const old = known.entries.get(subjects_annotations/* EXPECTED_ANNOTATION */.Xq);
    if (old === undefined)
        return inserted(annotations, known, [], value, text, refuse);
    const { node } = old;
    if (node.kind !== 'text' || old.aliased || !['plain', 'single', 'double'].includes(node.scalar.style))
        throw refuse('the annotation is there already in a form that is not replaced');
    const written = text[annotations.at] === '{' ? JSON.stringify(value) : single(value);
    return { start: node.scalar.start, end: node.scalar.end, text: written };
}
function mapIn({ node, aliased }, refuse) {
    if (node.kind !== 'map')
        throw refuse('metadata or annotations without anything in it');
    if (aliased)
        throw refuse('an alias, whose text stands elsewhere');
    return node;
}
/** Before the first key of a map, so that what stands behind it, comments too, is not touched. */
function inserted({ at }, map, keys, value, text, refuse) {
    if (text[at] === '{') {
        const json = [...keys].reverse().reduce((inner, key) => `${JSON.stringify(key)}: {${inner}}`, pair(value));
        return { start: at + 1, end: at + 1, text: map.entries.size === 0 ? json : `${json}, ` };
    }
    const line = text.lastIndexOf('\n', at - 1) + 1;
    if (!/^\ufeff?[ -]*$/.test(text.slice(line, at)))
        throw refuse('a map that begins behind something on its line');
    const end = text.includes('\r\n') ? '\r\n' : '\n';
    const indent = (level) => ' '.repeat(at - line + 2 * level - (text[line] === '\ufeff' ? 1 : 0));
    const lines = [...keys.map(key => `${key}:`), `${subjects_annotations/* EXPECTED_ANNOTATION */.Xq}: ${single(value)}`];
    return {
        start: at,
        end: at,
        text: lines.map((words, level) => `${words}${end}${indent(level === lines.length - 1 ? 0 : level + 1)}`).join(''),
    };
}
function pair(value) {
    return `${JSON.stringify(subjects_annotations/* EXPECTED_ANNOTATION */.Xq)}: ${JSON.stringify(value)}`;
}
function single(value) {
    return `'${value.replaceAll("'", "''")}'`;
}
function spliced(text, splices) {
    const parts = [];
    let from = 0;
    for (const { start, end, text: added } of [...splices].sort((a, b) => a.start - b.start)) {
        parts.push(text.slice(from, start), added);
        from = end;
    }
    return [...parts, text.slice(from)].join('');
}
/** Reads the result again: exactly the annotations may have been added or changed. */
function checkResult(before, after, changed, file) {
    const others = (leaf) => !changed.has(`${leaf.document} ${leaf.path}`) && !isEmptied(leaf, changed);
    const words = ({ document, path, text, aliased }) => JSON.stringify([document, path, text, aliased]);
    const old = [...(0,leaves/* leaves */.F)(before)].filter(others).map(words);
    const now = [...(0,leaves/* leaves */.F)(after)];
    const left = now.filter(others).map(words);
    const right = now.filter(({ document, path, text }) => changed.get(`${document} ${path}`) === text);
    if (old.join('\n') !== left.join('\n') || right.length !== changed.size)
        throw refused(file, '', 'something else would change');
}
/** `metadata: {}` is a leaf of its own until something stands in it. */
function isEmptied({ document, path, text }, changed) {
    return (text === '{}' &&
        [...changed.keys()].some(key => key.startsWith(`${document} ${path}.`) || key.startsWith(`${document} ${path}[`)));
}
function refused(file, path, found) {
    const where = path === '' ? '' : ` ${(0,core_text/* printable */.g$)(path)}`;
    return (0,core_error/* fail */.fJ)('deploy/not-annotatable', `Cannot annotate ${(0,place/* fileWords */.A)(file)}${where}: ${found}`, { found });
}

// EXTERNAL MODULE: ./lib/entry/gate-pin.js + 1 modules
var gate_pin = __webpack_require__(84769);
;// CONCATENATED MODULE: ./lib/entry/deploy-files.js








/** Everything that a deploy leaves in its folder: made before anything is signed, written when all is done. */
class DeployFiles {
    policies = [];
    #wish;
    #pinned = [];
    constructor(wish) {
        this.#wish = wish;
    }
    /** @throws `verify/not-pinnable`, `deploy/not-annotatable` */
    prepare({ receipt, units }, deployer) {
        const { pin, annotate, named } = this.#wish;
        if (!pin)
            return;
        const pinned = (0,gate_pin/* pinnedFiles */.OF)(receipt, named.sources);
        const images = units.flatMap(unit => (unit.image === undefined ? [] : [annotated(unit, deployer)]));
        const manifests = new Set(this.#wish.manifestFiles);
        this.#pinned = !annotate
            ? pinned
            : pinned.map(file => {
                if (!manifests.has(file.file))
                    return file;
                return { ...file, bytes: annotatePods(file.bytes, images, { file: file.file }) };
            });
    }
    async write(deployed, receipt, request) {
        const { output } = this.#wish;
        const manifests = await this.#writeAll('manifests', this.#pinned.map(({ file, bytes }) => ({ name: file, bytes })));
        const policies = await this.#writeAll('policies', this.policies.map(({ name, text }) => ({ name, bytes: text })));
        const deployment = (0,external_node_path_.join)(output, 'deployment.json');
        await (0,io_files/* writeFileAtomic */.Zf)(deployment, this.#deployment(deployed, receipt, request));
        const vsa = deployed.summaries.map(({ unit, path, reused }) => {
            const manifest = deployed.attestations.find(({ bundle }) => bundle === path)?.manifest;
            const found = manifest === undefined ? {} : { manifest };
            return { name: unit.resource, digest: unit.digest, bundle: path, ...found, reused };
        });
        return { deployment, manifests, policies, vsa, pinned: manifests };
    }
    async #writeAll(folder, files) {
        const places = placesBelow(files.map(({ name }) => name)).map(place => (0,external_node_path_.join)(this.#wish.output, folder, place));
        for (const [at, { bytes }] of files.entries())
            await (0,io_files/* writeFileAtomic */.Zf)(places[at] ?? '', bytes);
        return places;
    }
    #deployment({ units, summaries, attestations, tags }, receipt, request) {
        const { policy, environment } = request;
        const images = units.flatMap((unit) => {
            const { image, resource: name, digest, proofs } = unit;
            if (image === undefined)
                return [];
            const summary = summaries.find(one => one.unit === unit);
            const manifest = attestations.find(({ bundle }) => bundle === summary?.path);
            const own = tags.filter(tag => tag.unit === unit && (0,registry_reference/* formatReference */.FH)(tag.repository) === name);
            const places = placesOf(receipt, name, digest);
            const builder = proofs[0]?.statements[0].signer;
            return [
                {
                    name,
                    digest,
                    ...(own.length === 0 ? {} : { tags: own.map(({ tag }) => tag) }),
                    ...(places.length === 0 ? {} : { places }),
                    expected: {
                        ...(builder === undefined ? {} : { build: identityOf(builder) }),
                        ...(summary === undefined ? {} : { deployer: identityOf(summary.signer) }),
                    },
                    ...(manifest?.manifest === undefined
                        ? {}
                        : { attestations: [{ predicateType: manifest.predicateType, manifest: manifest.manifest }] }),
                    commands: this.#commandsOf(name, digest),
                },
            ];
        });
        const { uri, digest } = policy;
        return (0,deployment_document/* renderDeployment */._D)({
            schemaVersion: 1,
            issuedAt: new Date().toISOString(),
            environment,
            policy: { uri, digest },
            images,
        });
    }
    /** 13-adversary 37: a value that cannot be quoted is in no command. */
    #commandsOf(name, digest) {
        const words = [(0,report_text/* shellQuote */.ZL)(`${name}@${digest}`), (0,report_text/* shellQuote */.ZL)(this.#wish.policyPath)];
        const [image, policy] = words;
        if (image === undefined || policy === undefined)
            return [];
        return [`waybill verify image ${image} --policy ${policy} --stage run`];
    }
}
function placesOf({ subjects }, name, digest) {
    const own = subjects.filter(subject => subject.digest === digest && subject.name.startsWith(name));
    const places = own.flatMap(subject => subject.places ?? []);
    return [...new Set(places.map(({ file, line, path }) => `${(0,place/* fileWords */.A)(file)}:${line} ${(0,place/* fileWords */.A)(path)}`))];
}
function annotated({ resource, digest, proofs, expectation }, deployer) {
    const builder = proofs[0]?.statements[0].signer;
    return {
        name: resource,
        digest,
        ...(builder === undefined ? {} : { build: identityOf(builder) }),
        ...(expectation.deployer === undefined ? {} : { deployer: identityOf(deployer) }),
    };
}
function identityOf(signer) {
    if (signer.kind === 'key')
        return { key: signer.fingerprint };
    return { identity: signer.san.value, issuer: signer.issuer };
}
/** Relative paths, each once: below the folder whatever a file was called, in one of their own those whose name is taken. */
function placesBelow(names) {
    const places = new Set();
    for (const name of names) {
        const below = placeBelow(name);
        let place = below;
        for (let number = 1; places.has(place); number++)
            place = (0,external_node_path_.join)(`${number}`, below);
        places.add(place);
    }
    return [...places];
}
/** A name that leads elsewhere becomes the bare name. */
function placeBelow(name) {
    if (name === '-')
        return 'stdin.yaml';
    const path = (0,external_node_path_.normalize)(name);
    const elsewhere = (0,external_node_path_.isAbsolute)(path) || path.split(/[/\\]/).includes('..');
    const below = elsewhere ? (path.split(/[/\\]/).at(-1) ?? '') : path;
    return ['', '.', '..'].includes(below) ? 'manifest.yaml' : below;
}

// EXTERNAL MODULE: ./lib/entry/deploy-plan.js
var deploy_plan = __webpack_require__(5373);
;// CONCATENATED MODULE: ./lib/entry/deploy-policies.js

/**
 * The admission policies of the policy that judges, for one engine; made before anything is signed.
 * @param cache folder for what is fetched to trust GitHub's own instance.
 * @throws `policy/not-expressible`
 */
async function deployPolicies(engine, { law, receipt }, cache) {
    if (engine === 'none')
        return [];
    const policy = { uri: receipt.uri, digest: receipt.digest ?? law.policyDigest };
    const uri = receipt.uri.startsWith('git+') ? (0,report_text/* shellQuote */.ZL)(receipt.uri) : undefined;
    const command = `waybill policy generate --for ${engine}${uri === undefined ? '' : ` --policy-uri ${uri}`}`;
    const { admissionFiles } = await Promise.all(/* import() */[__webpack_require__.e(512), __webpack_require__.e(172)]).then(__webpack_require__.bind(__webpack_require__, 74512));
    return (await admissionFiles({ engine, law, policy, command, namespaces: [], cache })).files;
}

// EXTERNAL MODULE: ./lib/entry/gate.js + 1 modules
var entry_gate = __webpack_require__(16059);
// EXTERNAL MODULE: ./lib/entry/gate-after.js + 2 modules
var gate_after = __webpack_require__(59851);
// EXTERNAL MODULE: ./lib/entry/gate-evidence.js + 7 modules
var gate_evidence = __webpack_require__(78650);
// EXTERNAL MODULE: ./lib/entry/gate-trust.js
var gate_trust = __webpack_require__(91754);
// EXTERNAL MODULE: ./lib/entry/quarantine-signer.js
var quarantine_signer = __webpack_require__(10733);
// EXTERNAL MODULE: ./lib/entry/version.js
var version = __webpack_require__(97136);
;// CONCATENATED MODULE: ./lib/entry/deploy-run.js



















/** @throws nothing that happens after the first stage began: that stands in the receipt. */
async function runDeploy(wish, world) {
    const { digest } = wish.policy.receipt;
    if (digest === undefined)
        throw (0,core_error/* fail */.fJ)('core/internal', 'A policy without a digest');
    const request = {
        command: 'deploy',
        waybillVersion: version/* WAYBILL_VERSION */.i,
        environment: wish.environment,
        policy: { ...wish.policy.receipt, digest },
        promote: wish.promote,
    };
    const run = new DeployRun(wish, world);
    const outcome = await deploy(request, run.ports());
    const receipt = { ...outcome.receipt, ...(world.run === undefined ? {} : { run: world.run }) };
    const told = await run.afterwards(receipt);
    if (outcome.deployed === undefined)
        return {
            receipt: told,
            manifests: [],
            policies: [],
            vsa: [],
            ...(outcome.error === undefined ? {} : { error: outcome.error }),
        };
    const written = await run.files.write(outcome.deployed, told, request);
    const pinned = written.pinned.length === 0 ? {} : { pinned: written.pinned };
    return { ...written, receipt: { ...told, ...pinned } };
}
/** One deploy: the gate's runs and what they found. */
class DeployRun {
    files;
    #wish;
    #world;
    #results = [];
    #signer;
    constructor(wish, world) {
        this.#wish = wish;
        this.#world = world;
        this.files = new DeployFiles(wish);
    }
    ports() {
        const { output } = this.#wish;
        return {
            preflight: () => this.#preflight(),
            judge: () => this.#judge(this.#named(), {}),
            judgeCopy: (unit, to) => this.#judgeCopy(unit, to),
            prepare: async (judged, deployer) => this.files.prepare(judged, deployer),
            readBack: (units, bundles) => this.#readBack(units, bundles),
            verifier: async (expectation) => (await (0,gate_trust/* verifiers */.q)(this.#options('run', this.#named())))(expectation, 'image'),
            state: async () => (await (0,state_folder/* readStateFolder */.u)((0,external_node_path_.join)(output, 'bundles'), STATE_BOUNDS)).files.map(({ bytes }) => bytes),
            keep: async (name, bytes) => {
                const path = (0,external_node_path_.join)(output, name);
                await (0,io_files/* writeFileAtomic */.Zf)(path, bytes);
                return path;
            },
            now: () => new Date(),
            clock: () => performance.now(),
            progress: line => this.#world.progress(line),
        };
    }
    /** Quarantine and events, as after every gate (7-verify-deploy § 2); of what was rejected, in whichever of its runs. */
    async afterwards(receipt) {
        const { quarantine, quarantineDirectory, events } = this.#wish;
        const result = {
            receipt,
            files: new Map(this.#results.flatMap(({ files }) => [...files])),
            rejected: new Map(this.#results.flatMap(({ rejected }) => [...rejected])),
        };
        const signs = quarantine === 'attest' || quarantine === 'retag';
        return (0,gate_after/* afterGate */.U)(result, {
            quarantine,
            quarantineDirectory,
            ...(events === undefined ? {} : { events }),
            ...(signs && this.#signer !== undefined ? { hands: this.#hands(this.#signer) } : {}),
            folder: this.#world.folder,
            now: new Date(),
        });
    }
    /** Records are signed by the hand that would have signed the summary: one identity, one certificate. */
    #hands(signer) {
        const { filesRepository, quarantineDirectory } = this.#wish;
        return {
            signer: async () => (await signer).hand(),
            keep: (0,quarantine_signer/* keepIn */.f4)((0,external_node_path_.resolve)(this.#world.folder, quarantineDirectory)),
            clientFor: (0,gate_evidence/* clientsOf */.S)(this.#world),
            ...(filesRepository === undefined ? {} : { filesRepository: (0,registry_reference/* repositoryOf */._M)((0,registry_reference/* parseReference */.F2)(filesRepository)) }),
        };
    }
    async #preflight() {
        const { policy, policies } = this.#wish;
        const plan = await (0,deploy_plan/* planDeploy */.b)(this.#wish, this.#world.folder);
        this.files.policies = await deployPolicies(policies, policy, this.#world.cacheFolder);
        this.#signer = this.#world.signer();
        const signer = await this.#signer;
        const clientFor = (0,gate_evidence/* clientsOf */.S)(this.#world);
        for (const { repository, origin, expectation } of plan.writable)
            await clientFor(origin, expectation).checkPush(repository);
        return signer;
    }
    #named() {
        const { images, files, named } = this.#wish;
        return { images, files, named: named.subjects, unreadable: named.unreadable, folder: this.#world.folder };
    }
    #options(stage, subjects) {
        const { policy, bundleFiles, filesRepository } = this.#wish;
        const { http, credentials, insecureRegistries, cacheFolder, store } = this.#world;
        return {
            command: 'deploy',
            subjects,
            policy,
            flags: {},
            stage,
            bundleFiles,
            ...(filesRepository === undefined ? {} : { filesRepository }),
            offline: false,
            http,
            credentials,
            insecureRegistries,
            cacheFolder,
            now: new Date(),
            ...(store === undefined ? {} : { store }),
        };
    }
    async #judge(subjects, more) {
        const passed = [];
        const judged = (subject) => {
            if (subject.receipt.verdict === 'passed')
                passed.push({ ...subject, bundles: summariesIn(subject) });
        };
        const result = await (0,entry_gate/* runGate */.Rg)({ ...this.#options('deploy', subjects), judged, ...more });
        this.#results.push(result);
        return { receipt: result.receipt, units: passed.map(subject => this.#unit(subject)) };
    }
    #unit({ subject, matched, statements, bundles }) {
        const expectation = this.#atRun(subject);
        const { resource = '' } = expectation;
        const known = bundles.flatMap(({ bytes }) => {
            const signed = statements.find(({ bundle }) => bundle === (0,digest/* sha256 */.sc)(bytes));
            return signed === undefined ? [] : [{ bytes, signed }];
        });
        const unit = { resource, digest: subject.digest, expectation, proofs: matched, known };
        const clientFor = (0,gate_evidence/* clientsOf */.S)(this.#world);
        if (subject.kind === 'image') {
            const { reference, origin } = subject;
            const registry = clientFor(origin, expectation);
            return { ...unit, image: { registry, repository: (0,registry_reference/* repositoryOf */._M)(reference), origin } };
        }
        const { filesRepository } = this.#wish;
        if (filesRepository === undefined)
            return { ...unit, file: { path: subject.path } };
        const store = {
            registry: clientFor('typed', expectation),
            repository: (0,registry_reference/* repositoryOf */._M)((0,registry_reference/* parseReference */.F2)(filesRepository)),
        };
        return { ...unit, file: { path: subject.path, store } };
    }
    #atRun(subject) {
        const { law, receipt } = this.#wish.policy;
        const { uri, digest } = receipt;
        const target = subject.kind === 'image' ? subject.reference.canonical : { file: subject.name };
        return (0,gate/* expectationFor */.mE)(law.policy, target, {
            stage: 'run',
            policy: { uri, ...(digest === undefined ? {} : { digest }) },
        });
    }
    async #judgeCopy(unit, to) {
        const { image, digest } = unit;
        if (image === undefined)
            throw (0,core_error/* fail */.fJ)('core/internal', 'A file cannot be copied as an image');
        const subject = byDigest(to, digest, image.origin);
        const copied = new Map([[(0,registry_reference/* formatReference */.FH)(to), image.repository]]);
        const { receipt, units } = await this.#judge({ ...this.#nothing(), named: [subject] }, { copied });
        const registry = (0,gate_evidence/* clientsOf */.S)(this.#world)('typed', unit.expectation);
        const from = { registry: image.registry, repository: image.repository };
        return {
            receipt,
            units: units.map(copy => ({ ...copy, image: { registry, repository: to, origin: 'typed', from } })),
        };
    }
    #nothing() {
        return { images: [], files: [], named: [], unreadable: [], folder: this.#world.folder };
    }
    /**
     * What a cluster would find: by digest, from the registries' own bytes and nothing that lies on this machine; of files from what
     * was kept, for of them nobody has more.
     */
    async #readBack(units, bundles) {
        const images = units.flatMap(({ image, digest }) => image === undefined ? [] : [byDigest(image.repository, digest, image.origin)]);
        const files = units.flatMap(({ file, resource }) => (file === undefined ? [] : [resource.slice('file:'.length)]));
        const found = new Map();
        const judged = ({ subject, expectation, statements }) => {
            found.set(`${expectation.resource}@${subject.digest}`, new Set(statements.map(({ bundle }) => bundle)));
        };
        const judge = async (given, bundleFiles) => {
            const options = this.#options('run', { ...this.#nothing(), ...given });
            return (await (0,entry_gate/* runGate */.Rg)({ ...options, bundleFiles, judged })).receipt.subjects;
        };
        const subjects = [
            ...(images.length === 0 ? [] : await judge({ named: images }, [])),
            ...(files.length === 0 ? [] : await judge({ files }, [...this.#wish.bundleFiles, ...bundles])),
        ];
        return units.flatMap((unit) => {
            const { resource, digest, image } = unit;
            const name = image === undefined ? resource.slice('file:'.length) : `${(0,registry_reference/* formatReference */.FH)(image.repository)}@${digest}`;
            const told = subjects.find(subject => subject.name === name);
            if (told === undefined || told.verdict === 'not-asked')
                return [];
            const { verdict, findings } = told;
            return [{ resource, digest, verdict, findings, bundles: found.get(`${resource}@${digest}`) ?? new Set() }];
        });
    }
}
const STATE_BOUNDS = {
    files: limits/* LIMITS */.b.subjectBundles,
    fileBytes: limits/* LIMITS */.b.bundleBytes,
    totalBytes: limits/* LIMITS */.b.subjectBundleBytes,
};
/** Bytes of everything that was read would be the memory of a whole cluster. */
function summariesIn({ bundles, statements }) {
    const wanted = new Set(statements.filter(({ statement }) => (0,deploy_vsa/* isDeploySummary */.cs)(statement)).map(({ bundle }) => bundle));
    return wanted.size === 0 ? [] : bundles.filter(({ bytes }) => wanted.has((0,digest/* sha256 */.sc)(bytes)));
}
function byDigest(repository, digest, origin) {
    const reference = { ...repository, canonical: (0,registry_reference/* formatReference */.FH)(repository), digest };
    return { kind: 'image', reference, origin, certain: true, places: [] };
}


/***/ })

};
