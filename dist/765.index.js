export const id = 765;
export const ids = [765];
export const modules = {

/***/ 5564:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   $E: () => (/* binding */ contentOf),
/* harmony export */   Aw: () => (/* binding */ isUniversal),
/* harmony export */   LU: () => (/* binding */ childrenOf),
/* harmony export */   Q5: () => (/* binding */ isDer),
/* harmony export */   Tu: () => (/* binding */ objectId),
/* harmony export */   UD: () => (/* binding */ rawOf),
/* harmony export */   aE: () => (/* binding */ isContext),
/* harmony export */   f7: () => (/* binding */ parseBer),
/* harmony export */   oD: () => (/* binding */ readWhole),
/* harmony export */   wZ: () => (/* binding */ isSequence)
/* harmony export */ });
/* harmony import */ var asn1js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4723);
/* harmony import */ var _core_bytes_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6752);
/* harmony import */ var _core_limits_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7535);



/** The one block that fills all of `bytes`. */
function parseBer(bytes, what) {
    const options = { parseEmbedded: false, maxDepth: _core_limits_js__WEBPACK_IMPORTED_MODULE_1__/* .LIMITS */ .b.asn1Depth, maxNodes: _core_limits_js__WEBPACK_IMPORTED_MODULE_1__/* .LIMITS */ .b.asn1Nodes };
    const { offset, result } = (0,asn1js__WEBPACK_IMPORTED_MODULE_2__/* .fromBER */ .mH)(bytes, options);
    if (offset === -1)
        throw new Error(`${what} cannot be read: ${result.error}`);
    if (offset !== bytes.byteLength)
        throw new Error(`bytes after ${what}`);
    if (!(result instanceof asn1js__WEBPACK_IMPORTED_MODULE_2__/* .BaseBlock */ .P7) || !isClosed(result))
        throw new Error(`${what} cannot be read`);
    return result;
}
/** Reads a structure with a class of `pkijs`, and refuses when that left anything out. */
function readWhole(type, bytes, what) {
    const read = attempt(() => new type({ schema: parseBer(bytes, what) }), what);
    const again = attempt(() => parseBer(new Uint8Array(read.toSchema().toBER()), what), what);
    if (!sameTree(parseBer(bytes, what), again))
        throw new Error(`${what} has parts that do not belong there`);
    return read;
}
function attempt(read, what) {
    try {
        return read();
    }
    catch {
        throw new Error(`${what} is not built as it must be`);
    }
}
/** Same tags, same number of parts, same bytes in the leaves; lengths may be written in two ways. */
function sameTree(one, other) {
    if (one.idBlock.tagClass !== other.idBlock.tagClass || one.idBlock.tagNumber !== other.idBlock.tagNumber)
        return false;
    if (one.idBlock.isConstructed !== other.idBlock.isConstructed)
        return false;
    if (!one.idBlock.isConstructed)
        return (0,_core_bytes_js__WEBPACK_IMPORTED_MODULE_0__/* .equalBytes */ .ex)(contentOf(one), contentOf(other));
    const [left, right] = [childrenOf(one), childrenOf(other)];
    return left.length === right.length && left.every((child, at) => sameTree(child, right[at] ?? child));
}
/** The library only warns when an indefinite length has no end. */
function isClosed(block) {
    const raw = block.valueBeforeDecodeView;
    if (block.lenBlock.isIndefiniteForm && (raw.at(-1) !== 0 || raw.at(-2) !== 0))
        return false;
    return childrenOf(block).every(isClosed);
}
/** Parts of a constructed block, in order; none for a primitive one. */
function childrenOf(block) {
    const value = block?.valueBlock === undefined ? undefined : Reflect.get(block.valueBlock, 'value');
    return Array.isArray(value) ? value.filter(child => child instanceof asn1js__WEBPACK_IMPORTED_MODULE_2__/* .BaseBlock */ .P7) : [];
}
/** Bytes of the whole block as they came, tag and length included. */
function rawOf(block) {
    return new Uint8Array(block.valueBeforeDecodeView);
}
/** Bytes after tag and length. Of a primitive block that is its value. */
function contentOf(block) {
    return new Uint8Array(block.valueBeforeDecodeView.subarray(block.idBlock.blockLength + block.lenBlock.blockLength));
}
/** True for a block of this context-specific tag. */
function isContext(block, tag) {
    return block.idBlock.tagClass === 3 && block.idBlock.tagNumber === tag;
}
/** True for a constructed SEQUENCE. */
function isSequence(block) {
    return block !== undefined && isUniversal(block, 16) && block.idBlock.isConstructed;
}
function isUniversal(block, tag) {
    return block.idBlock.tagClass === 1 && block.idBlock.tagNumber === tag;
}
/** Dotted text of an OBJECT IDENTIFIER; anything else is no text. */
function objectId(block) {
    return block !== undefined && isUniversal(block, 6) ? block.valueBlock.toString() : undefined;
}
/**
 * True when `bytes` is exactly one value in DER: every length definite and minimal, strings in one piece, booleans and
 * integers in their one spelling, sets in order. What is encoded inside OCTET STRINGs is not looked at.
 */
function isDer(bytes) {
    return derEnd(bytes, 0, bytes.byteLength, 0) === bytes.byteLength;
}
/** Offset behind the value at `at`, or -1. */
function derEnd(bytes, at, limit, depth) {
    const tag = bytes[at] ?? 0x1f;
    const length = derLength(bytes, at + 1, limit);
    if (length === undefined || depth > _core_limits_js__WEBPACK_IMPORTED_MODULE_1__/* .LIMITS */ .b.asn1Depth || (tag & 0x1f) === 0x1f)
        return -1;
    const { start, end } = length;
    const content = bytes.subarray(start, end);
    if ((tag & 0x20) === 0)
        return primitiveIsDer(tag, content) ? end : -1;
    // Universal constructed types are SEQUENCE and SET; a string in pieces is BER.
    if ((tag & 0xc0) === 0 && tag !== 0x30 && tag !== 0x31)
        return -1;
    let last;
    for (let child = start; child < end;) {
        const next = derEnd(bytes, child, end, depth + 1);
        if (next === -1)
            return -1;
        const value = bytes.subarray(child, next);
        if (tag === 0x31 && last !== undefined && Buffer.compare(last, value) > 0)
            return -1;
        last = value;
        child = next;
    }
    return end;
}
function derLength(bytes, at, limit) {
    const first = bytes[at];
    if (first === undefined || at >= limit)
        return undefined;
    let length = first;
    let start = at + 1;
    if (first >= 0x80) {
        const count = first & 0x7f;
        if (count === 0 || count > 3 || start + count > limit)
            return undefined;
        length = Buffer.from(bytes.subarray(start, start + count)).readUIntBE(0, count);
        if (length < 0x80 || length < 2 ** (8 * (count - 1)))
            return undefined;
        start += count;
    }
    return start + length > limit ? undefined : { start, end: start + length };
}
function primitiveIsDer(tag, content) {
    const [first = 0, second = 0] = content;
    if (tag === 0x30 || tag === 0x31 || tag === 0x10 || tag === 0x11 || tag === 0)
        return false;
    if (tag === 0x01)
        return content.byteLength === 1 && (first === 0 || first === 0xff);
    if (tag === 0x05)
        return content.byteLength === 0;
    if (tag !== 0x02)
        return true;
    const padded = content.byteLength > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    return content.byteLength > 0 && !padded;
}


/***/ }),

/***/ 4749:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   D: () => (/* binding */ signatureAlgorithmOf),
/* harmony export */   q: () => (/* binding */ hashOf)
/* harmony export */ });
/* harmony import */ var pkijs__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9701);
/* harmony import */ var _cms_asn1_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5564);


/** RFC 5754 § 2, RFC 3370 § 2. */
const HASHES = {
    '2.16.840.1.101.3.4.2.1': 'sha256',
    '2.16.840.1.101.3.4.2.2': 'sha384',
    '2.16.840.1.101.3.4.2.3': 'sha512',
    '1.3.14.3.2.26': 'weak',
    '1.2.840.113549.2.5': 'weak',
};
/** RFC 8017 App. C, RFC 5758 § 3, RFC 8410 § 3, RFC 3279 § 2.2. `rsaEncryption` leaves the hash to the digest algorithm. */
const ALGORITHMS = {
    '1.2.840.113549.1.1.1': { family: 'rsa' },
    '1.2.840.113549.1.1.4': { family: 'rsa', hash: 'weak' },
    '1.2.840.113549.1.1.5': { family: 'rsa', hash: 'weak' },
    '1.2.840.113549.1.1.11': { family: 'rsa', hash: 'sha256' },
    '1.2.840.113549.1.1.12': { family: 'rsa', hash: 'sha384' },
    '1.2.840.113549.1.1.13': { family: 'rsa', hash: 'sha512' },
    '1.2.840.10045.4.1': { family: 'ecdsa', hash: 'weak' },
    '1.2.840.10045.4.3.2': { family: 'ecdsa', hash: 'sha256' },
    '1.2.840.10045.4.3.3': { family: 'ecdsa', hash: 'sha384' },
    '1.2.840.10045.4.3.4': { family: 'ecdsa', hash: 'sha512' },
    '1.3.101.112': { family: 'ed25519' },
    '1.2.840.10040.4.1': { family: 'dsa' },
    '1.2.840.10040.4.3': { family: 'dsa', hash: 'weak' },
    '2.16.840.1.101.3.4.3.2': { family: 'dsa', hash: 'sha256' },
};
const PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';
/** Undefined: an algorithm that is not judged. */
function hashOf(oid) {
    return Object.hasOwn(HASHES, oid) ? HASHES[oid] : undefined;
}
/** Undefined: an algorithm that is not judged. @throws an Error with a sentence for parameters that cannot be read. */
function signatureAlgorithmOf(id) {
    if (id.algorithmId === PSS)
        return pssOf(id);
    return Object.hasOwn(ALGORITHMS, id.algorithmId) ? ALGORITHMS[id.algorithmId] : undefined;
}
/** RFC 4055 § 3.1: what is left out means SHA-1. Two different hashes in one signature are nobody's honest choice. */
function pssOf({ algorithmParams }) {
    if (algorithmParams === undefined)
        return { family: 'rsa-pss', hash: 'weak' };
    const parameters = (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_0__/* .readWhole */ .oD)(pkijs__WEBPACK_IMPORTED_MODULE_1__/* .RSASSAPSSParams */ .UK0, (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_0__/* .rawOf */ .UD)(algorithmParams), 'the parameters of RSASSA-PSS');
    const { hashAlgorithm, maskGenAlgorithm, saltLength, trailerField } = parameters;
    const mask = maskGenAlgorithm.algorithmParams;
    const hash = hashOf(hashAlgorithm.algorithmId);
    if (hash === undefined || maskGenAlgorithm.algorithmId !== MGF1 || mask === undefined || trailerField !== 1)
        return undefined;
    if (hash === 'weak')
        return { family: 'rsa-pss', hash };
    const inner = new pkijs__WEBPACK_IMPORTED_MODULE_1__/* .AlgorithmIdentifier */ .NE_({ schema: mask });
    return inner.algorithmId === hashAlgorithm.algorithmId ? { family: 'rsa-pss', hash, saltLength } : undefined;
}


/***/ }),

/***/ 1765:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   readRoots: () => (/* binding */ readRoots)
/* harmony export */ });
/* harmony import */ var _core_bytes_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(6752);
/* harmony import */ var _core_error_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1105);
/* harmony import */ var _core_text_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(9716);
/* harmony import */ var _x509_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4765);




const BLOCK = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]*?)-----END CERTIFICATE-----/g;
/**
 * Reads PEM certificates (RFC 7468), one or more a file and nothing beside them: words could name another authority to whoever
 * reads the file than the block does.
 * @throws `source/root-unreadable` naming the file; a private key in it refuses too.
 */
function readRoots(files) {
    const roots = new Map();
    for (const { path, bytes } of files) {
        try {
            for (const root of rootsOf(bytes))
                roots.set(root.fingerprint, root);
        }
        catch (error) {
            const found = error instanceof Error ? error.message : 'unreadable';
            throw (0,_core_error_js__WEBPACK_IMPORTED_MODULE_1__/* .fail */ .fJ)('source/root-unreadable', `The file ${(0,_core_text_js__WEBPACK_IMPORTED_MODULE_3__/* .printable */ .g$)(path)} cannot be read as root certificates`, {
                expected: 'PEM: -----BEGIN CERTIFICATE-----',
                found: (0,_core_text_js__WEBPACK_IMPORTED_MODULE_3__/* .printable */ .g$)(found, 300),
                cause: error,
            });
        }
    }
    return [...roots.values()];
}
function rootsOf(bytes) {
    const text = (0,_core_bytes_js__WEBPACK_IMPORTED_MODULE_0__/* .decodeUtf8 */ ._6)(bytes);
    if (text === undefined)
        throw new Error('text that is not UTF-8');
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
        throw new Error('a private key, which must never be in a repository');
    const blocks = [...text.matchAll(BLOCK)];
    if (blocks.length === 0 || text.replace(BLOCK, '').trim() !== '')
        throw new Error('something other than certificates');
    return blocks.map(([, body = '']) => {
        const root = (0,_x509_js__WEBPACK_IMPORTED_MODULE_2__/* .readCertificate */ .w)((0,_core_bytes_js__WEBPACK_IMPORTED_MODULE_0__/* .decodeBase64 */ .y4)(body.replace(/[\r\n]/g, ''), 'certificate'));
        if (!root.isAuthority)
            throw new Error(`certificate ${root.serial}, which is not an authority’s (basicConstraints)`);
        return root;
    });
}


/***/ }),

/***/ 4765:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   w: () => (/* binding */ readCertificate)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var asn1js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(4723);
/* harmony import */ var pkijs__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(9701);
/* harmony import */ var _core_bytes_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6752);
/* harmony import */ var _core_text_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9716);
/* harmony import */ var _cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(5564);
/* harmony import */ var _x509_algorithm_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(4749);







const SUBJECT_KEY_ID = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const ALTERNATIVE_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const UNDERSTOOD = [SUBJECT_KEY_ID, KEY_USAGE, ALTERNATIVE_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE];
/** Fulcio docs/oid-info.md. */
const FULCIO_ISSUERS = ['1.3.6.1.4.1.57264.1.1', '1.3.6.1.4.1.57264.1.8'];
const RFC822_NAME = 1;
/** @throws an Error with a sentence when this is not one certificate in strict DER. */
function readCertificate(der) {
    if (!(0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .isDer */ .Q5)(der))
        throw new Error('a certificate is not strict DER');
    const node = nodeCertificate(der);
    const { serial, issuer, validity, subject, extensions, algorithm } = partsOf((0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .parseBer */ .f7)(der, 'a certificate'));
    const known = extensionsOf(extensions);
    return {
        der,
        fingerprint: (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(der).digest('hex').toUpperCase(),
        serial: Buffer.from((0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .contentOf */ .$E)(serial)).toString('hex').toUpperCase(),
        serialDer: (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .rawOf */ .UD)(serial),
        issuer: (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .rawOf */ .UD)(issuer),
        subject: (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .rawOf */ .UD)(subject),
        issuerText: (0,_core_text_js__WEBPACK_IMPORTED_MODULE_4__/* .printable */ .g$)(node.issuer.replaceAll('\n', ', '), 300),
        key: node.publicKey,
        isSignedBy: key => attempt(() => node.verify(key)),
        signatureHash: signatureHashOf(algorithm),
        ...validityOf(validity),
        ...constraintsOf(known),
        ...usageOf(known),
        ...purposesOf(known),
        emails: emailsOf(known),
        ...keyIdOf(known),
        notUnderstood: [...known]
            .filter(([oid, { critical }]) => critical && !UNDERSTOOD.includes(oid))
            .map(([oid]) => oid),
        looksLikeFulcio: FULCIO_ISSUERS.some(oid => known.has(oid)),
    };
}
/** OpenSSL has read the same bytes by its own grammar; here only the order of what is used is checked. */
function partsOf(certificate) {
    const [tbs, algorithm, , ...more] = (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .childrenOf */ .LU)(certificate);
    const [first, ...rest] = (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .childrenOf */ .LU)(tbs);
    const [serial, inner, issuer, validity, subject, key, ...optional] = first === undefined || (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .isContext */ .aE)(first, 0) ? rest : [first, ...rest];
    if (serial === undefined || issuer === undefined || validity === undefined || subject === undefined)
        throw incomplete();
    if (key === undefined || algorithm === undefined || inner === undefined || more.length > 0)
        throw incomplete();
    if (!(0,_core_bytes_js__WEBPACK_IMPORTED_MODULE_1__/* .equalBytes */ .ex)((0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .rawOf */ .UD)(inner), (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .rawOf */ .UD)(algorithm)))
        throw new Error('a certificate names two signature algorithms');
    const [extensions] = (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .childrenOf */ .LU)(optional.find(part => (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .isContext */ .aE)(part, 3)));
    return { serial, issuer, validity, subject, extensions, algorithm };
}
function incomplete() {
    return new Error('a certificate is not built as it must be');
}
function nodeCertificate(der) {
    try {
        const node = new node_crypto__WEBPACK_IMPORTED_MODULE_0__.X509Certificate(Buffer.from(der));
        // Reading the key may throw as well.
        if ((0,_core_bytes_js__WEBPACK_IMPORTED_MODULE_1__/* .equalBytes */ .ex)(node.raw, der) && node.publicKey.type === 'public')
            return node;
    }
    catch { }
    throw new Error('a certificate cannot be read in one way only');
}
function extensionsOf(sequence) {
    const found = new Map();
    for (const block of (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .childrenOf */ .LU)(sequence)) {
        const parts = (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .childrenOf */ .LU)(block);
        const [oid, value] = [(0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .objectId */ .Tu)(parts[0]), parts.at(-1)];
        if (oid === undefined || value === undefined || !(0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .isUniversal */ .Aw)(value, 4) || parts.length > 3)
            throw incomplete();
        // Readers differ in which of two they take.
        if (found.has(oid))
            throw new Error(`a certificate has the extension ${oid} twice`);
        // DER leaves out what is false, so the part in between, if any, says true; anything but false counts as that.
        found.set(oid, { critical: parts.length === 3 && (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .contentOf */ .$E)(parts[1] ?? value)[0] !== 0, value: (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .contentOf */ .$E)(value) });
    }
    return found;
}
function extensionValue(extensions, oid) {
    const value = extensions.get(oid)?.value;
    if (value !== undefined && !(0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .isDer */ .Q5)(value))
        throw new Error(`the extension ${oid} of a certificate is not strict DER`);
    return value;
}
function constraintsOf(extensions) {
    const value = extensionValue(extensions, BASIC_CONSTRAINTS);
    if (value === undefined)
        return { isAuthority: false };
    const { cA, pathLenConstraint } = (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .readWhole */ .oD)(pkijs__WEBPACK_IMPORTED_MODULE_5__/* .BasicConstraints */ .N71, value, 'basicConstraints');
    if (pathLenConstraint === undefined)
        return { isAuthority: cA };
    if (typeof pathLenConstraint !== 'number' || pathLenConstraint < 0)
        throw new Error('basicConstraints has no sane path length');
    return { isAuthority: cA, pathLength: pathLenConstraint };
}
/** BIT STRING, bit 0 first: digitalSignature 0, nonRepudiation 1, keyCertSign 5. RFC 5280 § 4.2.1.3. */
function usageOf(extensions) {
    const value = extensionValue(extensions, KEY_USAGE);
    if (value === undefined)
        return {};
    if (value[0] !== 0x03 || value.byteLength < 4)
        throw new Error('the key usage of a certificate is not a bit string');
    const bits = value[3] ?? 0;
    return { usage: { signs: (bits & 0xc0) !== 0, certifies: (bits & 0x04) !== 0 } };
}
function purposesOf(extensions) {
    const value = extensionValue(extensions, EXTENDED_KEY_USAGE);
    return value === undefined ? {} : { purposes: (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .readWhole */ .oD)(pkijs__WEBPACK_IMPORTED_MODULE_5__/* .ExtKeyUsage */ .KdO, value, 'extKeyUsage').keyPurposes };
}
function emailsOf(extensions) {
    const value = extensionValue(extensions, ALTERNATIVE_NAME);
    if (value === undefined)
        return [];
    const { names } = (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .readWhole */ .oD)(pkijs__WEBPACK_IMPORTED_MODULE_5__/* .GeneralNames */ .t0$, value, 'subjectAltName');
    const raw = (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .childrenOf */ .LU)((0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .parseBer */ .f7)(value, 'subjectAltName'));
    return names.flatMap(({ type }, at) => (type === RFC822_NAME ? [emailOf((0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .contentOf */ .$E)(raw[at] ?? never()))] : []));
}
/** IA5String; what is not plain ASCII without spaces is nobody's address, and could be shown as somebody's. */
function emailOf(bytes) {
    const text = Buffer.from(bytes).toString('latin1');
    if (!/^[\x21-\x7e]+$/.test(text))
        throw new Error('an e-mail address in a certificate is not plain ASCII');
    return text;
}
function keyIdOf(extensions) {
    const value = extensionValue(extensions, SUBJECT_KEY_ID);
    return value === undefined ? {} : { keyId: (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .contentOf */ .$E)((0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .parseBer */ .f7)(value, 'subjectKeyIdentifier')) };
}
function signatureHashOf(block) {
    const algorithm = (0,_x509_algorithm_js__WEBPACK_IMPORTED_MODULE_3__/* .signatureAlgorithmOf */ .D)(new pkijs__WEBPACK_IMPORTED_MODULE_5__/* .AlgorithmIdentifier */ .NE_({ schema: block }));
    if (algorithm === undefined || algorithm.family === 'dsa')
        return undefined;
    if (algorithm.hash === 'weak')
        return 'weak';
    return algorithm.hash === undefined && algorithm.family !== 'ed25519' ? undefined : 'strong';
}
function validityOf(block) {
    const [from, to, ...more] = (0,_cms_asn1_js__WEBPACK_IMPORTED_MODULE_2__/* .childrenOf */ .LU)(block);
    if (more.length > 0)
        throw incomplete();
    return { notBefore: timeOf(from), notAfter: timeOf(to) };
}
function timeOf(block) {
    const date = block instanceof asn1js__WEBPACK_IMPORTED_MODULE_6__/* .UTCTime */ .O6 || block instanceof asn1js__WEBPACK_IMPORTED_MODULE_6__/* .GeneralizedTime */ .O_ ? block.toDate() : undefined;
    if (date === undefined || Number.isNaN(date.getTime()))
        throw new Error('the validity of a certificate is not a time');
    return date;
}
function attempt(check) {
    try {
        return check();
    }
    catch {
        return false;
    }
}
function never() {
    throw new Error('a certificate changed while it was read');
}


/***/ })

};
