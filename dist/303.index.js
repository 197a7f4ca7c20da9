export const id = 303;
export const ids = [303];
export const modules = {

/***/ 72684:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   GE: () => (/* binding */ SERVE_ANNOTATION),
/* harmony export */   Xq: () => (/* binding */ EXPECTED_ANNOTATION),
/* harmony export */   eS: () => (/* binding */ expectedAnnotation),
/* harmony export */   s3: () => (/* binding */ readExpectedAnnotation)
/* harmony export */ });
/* harmony import */ var _core_digest_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(53871);
/* harmony import */ var _core_error_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(11105);
/* harmony import */ var _core_json_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3085);
/* harmony import */ var _core_shape_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(49214);
/* harmony import */ var _core_text_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(69716);
/* harmony import */ var _statements_uris_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(88043);






/**
 * Names that Waybill reads and writes in Kubernetes objects hang on the home of its URIs (13-adversary 44): `https://host/name`
 * gives `name.host`. Kubernetes, "Annotations" § Syntax and character set: a DNS subdomain, `/`, a name.
 */
const PREFIX = prefixOf(_statements_uris_js__WEBPACK_IMPORTED_MODULE_4__/* .OWN_URI_BASE */ ._l);
/** Of a namespace, value `true`: what its pods run may be told to everybody who asks (`waybill serve`). */
const SERVE_ANNOTATION = `${PREFIX}/serve`;
/** Of a pod (and of the pod template that makes it): what was deployed, as `expectedAnnotation` writes it. */
const EXPECTED_ANNOTATION = `${PREFIX}/expected`;
function prefixOf(home) {
    const { host, pathname } = new URL(home);
    return [...pathname.split('/').filter(part => part !== ''), host].join('.');
}
/** A pod names a few images; all annotations of an object together may have 256 KiB (Kubernetes, TotalAnnotationSizeLimitB). */
const MAX_IMAGES = 100;
const MAX_TEXT = 2_048;
/** The value of `EXPECTED_ANNOTATION`: compact JSON on one line. The same images give the same text, in whatever order. */
function expectedAnnotation(images) {
    const sorted = [...images].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    return JSON.stringify(sorted.map(({ name, digest, build, deployer }) => ({
        name,
        digest,
        ...(build === undefined ? {} : { build: identityJson(build) }),
        ...(deployer === undefined ? {} : { deployer: identityJson(deployer) }),
    })));
}
/**
 * Reads what `expectedAnnotation` wrote, strictly.
 * @throws `core/json-malformed`, `core/shape`
 */
function readExpectedAnnotation(text) {
    const list = (0,_core_shape_js__WEBPACK_IMPORTED_MODULE_3__/* .arrayAt */ .RD)((0,_core_json_js__WEBPACK_IMPORTED_MODULE_2__/* .parseJson */ .qF)(text, EXPECTED_ANNOTATION), EXPECTED_ANNOTATION);
    if (list.length > MAX_IMAGES)
        throw wrong(EXPECTED_ANNOTATION, `at most ${MAX_IMAGES} images`, String(list.length));
    return list.map((item, at) => imageAt(item, `${EXPECTED_ANNOTATION}[${at}]`));
}
function imageAt(value, path) {
    const image = closedAt(value, path, ['name', 'digest', 'build', 'deployer']);
    const digest = textAt(image.digest, `${path}.digest`);
    if (!(0,_core_digest_js__WEBPACK_IMPORTED_MODULE_0__/* .isDigest */ .Bc)(digest))
        throw wrong(`${path}.digest`, 'sha256:<64 hex>', digest);
    const build = (0,_core_shape_js__WEBPACK_IMPORTED_MODULE_3__/* .optional */ .lq)(image.build, identityAt, `${path}.build`);
    const deployer = (0,_core_shape_js__WEBPACK_IMPORTED_MODULE_3__/* .optional */ .lq)(image.deployer, identityAt, `${path}.deployer`);
    return {
        name: textAt(image.name, `${path}.name`),
        digest,
        ...(build === undefined ? {} : { build }),
        ...(deployer === undefined ? {} : { deployer }),
    };
}
function identityAt(value, path) {
    const object = (0,_core_shape_js__WEBPACK_IMPORTED_MODULE_3__/* .objectAt */ .lJ)(value, path);
    if (Object.hasOwn(object, 'key')) {
        const key = textAt(closedAt(object, path, ['key']).key, `${path}.key`);
        if (!/^[0-9a-f]{64}$/.test(key))
            throw wrong(`${path}.key`, '64 lower-case hex digits', key);
        return { key };
    }
    const { identity, issuer } = closedAt(object, path, ['identity', 'issuer']);
    return { identity: textAt(identity, `${path}.identity`), issuer: textAt(issuer, `${path}.issuer`) };
}
function identityJson(identity) {
    return 'key' in identity ? { key: identity.key } : { identity: identity.identity, issuer: identity.issuer };
}
function closedAt(value, path, known) {
    const object = (0,_core_shape_js__WEBPACK_IMPORTED_MODULE_3__/* .objectAt */ .lJ)(value, path);
    const other = Object.keys(object).find(key => !known.includes(key));
    if (other !== undefined)
        throw wrong(path, known.join(', '), other);
    return object;
}
function textAt(value, path) {
    const text = (0,_core_shape_js__WEBPACK_IMPORTED_MODULE_3__/* .stringAt */ .bX)(value, path);
    if (text !== '' && text.length <= MAX_TEXT && (0,_core_text_js__WEBPACK_IMPORTED_MODULE_5__/* .isPrintable */ .C2)(text))
        return text;
    throw wrong(path, `1 to ${MAX_TEXT} visible characters`, text);
}
function keyOf({ name, digest }) {
    return `${name}@${digest}`;
}
function wrong(path, expected, found) {
    return (0,_core_error_js__WEBPACK_IMPORTED_MODULE_1__/* .fail */ .fJ)('core/shape', `${path} is not ${expected}`, { expected, found: JSON.stringify(found).slice(0, 100) });
}


/***/ })

};
