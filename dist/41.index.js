export const id = 41;
export const ids = [41];
export const modules = {

/***/ 55041:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  checkCms: () => (/* binding */ checkCms),
  readRoots: () => (/* reexport */ readRoots)
});

// EXTERNAL MODULE: ./lib/core/error.js
var core_error = __webpack_require__(11105);
// EXTERNAL MODULE: ./lib/sigstore/verify/message.js
var message = __webpack_require__(26133);
// EXTERNAL MODULE: ./lib/source/armor.js
var source_armor = __webpack_require__(57494);
// EXTERNAL MODULE: ./node_modules/pkijs/build/index.js + 5 modules
var build = __webpack_require__(40943);
// EXTERNAL MODULE: ./lib/core/bytes.js
var core_bytes = __webpack_require__(96752);
// EXTERNAL MODULE: ./lib/core/limits.js
var limits = __webpack_require__(97535);
// EXTERNAL MODULE: ./lib/core/text.js
var core_text = __webpack_require__(69716);
// EXTERNAL MODULE: ./node_modules/asn1js/build/index.js + 3 modules
var asn1js_build = __webpack_require__(84723);
;// CONCATENATED MODULE: ./lib/source/cms-asn1.js



/** The one block that fills all of `bytes`. */
function parseBer(bytes, what) {
    const options = { parseEmbedded: false, maxDepth: limits/* LIMITS */.b.asn1Depth, maxNodes: limits/* LIMITS */.b.asn1Nodes };
    const { offset, result } = (0,asn1js_build/* fromBER */.mH)(bytes, options);
    if (offset === -1)
        throw new Error(`${what} cannot be read: ${result.error}`);
    if (offset !== bytes.byteLength)
        throw new Error(`bytes after ${what}`);
    if (!(result instanceof asn1js_build/* BaseBlock */.P7) || !isClosed(result))
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
        return (0,core_bytes/* equalBytes */.ex)(contentOf(one), contentOf(other));
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
    return Array.isArray(value) ? value.filter(child => child instanceof asn1js_build/* BaseBlock */.P7) : [];
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
    if (length === undefined || depth > limits/* LIMITS */.b.asn1Depth || (tag & 0x1f) === 0x1f)
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

;// CONCATENATED MODULE: ./lib/source/cms-structure.js


/**
 * The grammar of a CMS signature (RFC 5652): every part in its place, and nothing else. Its functions throw plain Errors
 * with what the signature has instead; the caller gives them its code.
 */
const SIGNED_DATA = '1.2.840.113549.1.7.2';
const DATA = '1.2.840.113549.1.7.1';
/** ContentInfo and SignedData: every part in its place, and nothing else. RFC 5652 § 3, § 5.1. */
function signedDataOf(contentInfo) {
    const [type, content] = partsOf(contentInfo, 2, 'content info');
    if (objectId(type) !== SIGNED_DATA)
        throw new Error('a content that is not signed data');
    if (content === undefined || !isContext(content, 0))
        throw new Error('a content without its tag');
    const parts = childrenOf(only(childrenOf(content), 'signed data'));
    const [version, digests, encapsulated, ...rest] = parts;
    const set = rest.find(part => isContext(part, 0));
    const signers = rest.at(-1);
    if (!isNumber(version, 1) && !isNumber(version, 3))
        throw new Error('signed data of another version');
    if (rest.length !== (set === undefined ? 1 : 2) || (set !== undefined && rest[0] !== set))
        throw new Error('revocation lists or other parts in it');
    requireDetached(encapsulated);
    return {
        digestAlgorithm: only(setOf(digests, 'digest algorithms'), 'digest algorithms'),
        certificates: childrenOf(set),
        signerInfo: only(setOf(signers, 'signers'), 'signers'),
    };
}
function requireDetached(encapsulated) {
    const [type, content] = childrenOf(encapsulated);
    if (objectId(type) !== DATA)
        throw new Error('content of another type than data');
    if (content !== undefined)
        throw new Error('content of its own, which is not this commit');
}
/** SignerInfo. RFC 5652 § 5.3. */
function signerOf(info) {
    const parts = childrenOf(info);
    if (parts[3] === undefined || !isContext(parts[3], 0))
        throw new Error('no signed attributes');
    const [version, id, digestAlgorithm, signedAttributes, signatureAlgorithm, signature, unsignedAttributes] = parts;
    if (version === undefined || id === undefined || digestAlgorithm === undefined)
        throw new Error('half a signer');
    if (signedAttributes === undefined || signatureAlgorithm === undefined || signature === undefined || parts.length > 7)
        throw new Error('a signer that is not built as it must be');
    if (unsignedAttributes !== undefined && !isContext(unsignedAttributes, 1))
        throw new Error('a signer with other parts');
    return { version, id, digestAlgorithm, signedAttributes, signatureAlgorithm, signature, unsignedAttributes };
}
function only(list, what) {
    const [item, ...more] = list;
    if (item === undefined || more.length > 0)
        throw new Error(`${list.length} ${what} instead of one`);
    return item;
}
function partsOf(block, count, what) {
    const parts = childrenOf(block);
    if (!isSequence(block) || parts.length !== count)
        throw new Error(`${what} that is not built as it must be`);
    return parts;
}
function setOf(block, what) {
    if (block === undefined || !isUniversal(block, 17))
        throw new Error(`no set of ${what}`);
    return childrenOf(block);
}
function isNumber(block, number) {
    return block !== undefined && isUniversal(block, 2) && (0,core_bytes/* equalBytes */.ex)(contentOf(block), Uint8Array.of(number));
}
/** Values by type. Every attribute stands there once and has one value, or two programs could each take another. */
function attributesOf(set) {
    const found = new Map();
    for (const block of childrenOf(set)) {
        const [oid, values] = partsOf(block, 2, 'an attribute');
        const type = objectId(oid);
        if (type === undefined)
            throw new Error('an attribute without type');
        if (found.has(type))
            throw new Error(`the attribute ${type} twice`);
        found.set(type, only(setOf(values, 'values'), `values of the attribute ${type}`));
    }
    return found;
}
function octetsOf(block, what) {
    if (block === undefined || !isUniversal(block, 4) || block.idBlock.isConstructed)
        throw new Error(`no ${what} in one piece`);
    return contentOf(block);
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(77598);
;// CONCATENATED MODULE: ./lib/source/x509-algorithm.js


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
    const parameters = readWhole(build/* RSASSAPSSParams */.UK0, rawOf(algorithmParams), 'the parameters of RSASSA-PSS');
    const { hashAlgorithm, maskGenAlgorithm, saltLength, trailerField } = parameters;
    const mask = maskGenAlgorithm.algorithmParams;
    const hash = hashOf(hashAlgorithm.algorithmId);
    if (hash === undefined || maskGenAlgorithm.algorithmId !== MGF1 || mask === undefined || trailerField !== 1)
        return undefined;
    if (hash === 'weak')
        return { family: 'rsa-pss', hash };
    const inner = new build/* AlgorithmIdentifier */.NE_({ schema: mask });
    return inner.algorithmId === hashAlgorithm.algorithmId ? { family: 'rsa-pss', hash, saltLength } : undefined;
}

;// CONCATENATED MODULE: ./lib/source/x509.js







const SUBJECT_KEY_ID = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const ALTERNATIVE_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const UNDERSTOOD = [SUBJECT_KEY_ID, KEY_USAGE, ALTERNATIVE_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE];
/** RFC 5280 § 4.2.1.10 wants it critical, and whoever leaves that out still means it: an authority for other addresses. */
const NAME_CONSTRAINTS = '2.5.29.30';
/** Fulcio docs/oid-info.md. */
const FULCIO_ISSUERS = ['1.3.6.1.4.1.57264.1.1', '1.3.6.1.4.1.57264.1.8'];
const RFC822_NAME = 1;
/** @throws an Error with a sentence when this is not one certificate in strict DER. */
function readCertificate(der) {
    if (!isDer(der))
        throw new Error('a certificate is not strict DER');
    const node = nodeCertificate(der);
    const { serial, issuer, validity, subject, extensions, algorithm } = x509_partsOf(parseBer(der, 'a certificate'));
    const known = extensionsOf(extensions);
    return {
        der,
        fingerprint: (0,external_node_crypto_.createHash)('sha256').update(der).digest('hex').toUpperCase(),
        serial: Buffer.from(contentOf(serial)).toString('hex').toUpperCase(),
        serialDer: rawOf(serial),
        issuer: rawOf(issuer),
        subject: rawOf(subject),
        issuerText: (0,core_text/* printable */.g$)(node.issuer.replaceAll('\n', ', '), 300),
        key: node.publicKey,
        isSignedBy: key => x509_attempt(() => node.verify(key)),
        signatureHash: signatureHashOf(algorithm),
        ...validityOf(validity),
        ...constraintsOf(known),
        ...usageOf(known),
        ...purposesOf(known),
        emails: emailsOf(known),
        ...keyIdOf(known),
        notUnderstood: [...known]
            .filter(([oid, { critical }]) => oid === NAME_CONSTRAINTS || (critical && !UNDERSTOOD.includes(oid)))
            .map(([oid]) => oid),
        looksLikeFulcio: FULCIO_ISSUERS.some(oid => known.has(oid)),
    };
}
/** OpenSSL has read the same bytes by its own grammar; here only the order of what is used is checked. */
function x509_partsOf(certificate) {
    const [tbs, algorithm, , ...more] = childrenOf(certificate);
    const [first, ...rest] = childrenOf(tbs);
    const [serial, inner, issuer, validity, subject, key, ...optional] = first === undefined || isContext(first, 0) ? rest : [first, ...rest];
    if (serial === undefined || issuer === undefined || validity === undefined || subject === undefined)
        throw incomplete();
    if (key === undefined || algorithm === undefined || inner === undefined || more.length > 0)
        throw incomplete();
    if (!(0,core_bytes/* equalBytes */.ex)(rawOf(inner), rawOf(algorithm)))
        throw new Error('a certificate names two signature algorithms');
    const [extensions] = childrenOf(optional.find(part => isContext(part, 3)));
    return { serial, issuer, validity, subject, extensions, algorithm };
}
function incomplete() {
    return new Error('a certificate is not built as it must be');
}
function nodeCertificate(der) {
    try {
        const node = new external_node_crypto_.X509Certificate(Buffer.from(der));
        // Reading the key may throw as well.
        if ((0,core_bytes/* equalBytes */.ex)(node.raw, der) && node.publicKey.type === 'public')
            return node;
    }
    catch { }
    throw new Error('a certificate cannot be read in one way only');
}
function extensionsOf(sequence) {
    const found = new Map();
    for (const block of childrenOf(sequence)) {
        const parts = childrenOf(block);
        const [oid, value] = [objectId(parts[0]), parts.at(-1)];
        if (oid === undefined || value === undefined || !isUniversal(value, 4) || parts.length > 3)
            throw incomplete();
        // Readers differ in which of two they take.
        if (found.has(oid))
            throw new Error(`a certificate has the extension ${oid} twice`);
        // DER leaves out what is false, so the part in between, if any, says true; anything but false counts as that.
        found.set(oid, { critical: parts.length === 3 && contentOf(parts[1] ?? value)[0] !== 0, value: contentOf(value) });
    }
    return found;
}
function extensionValue(extensions, oid) {
    const value = extensions.get(oid)?.value;
    if (value !== undefined && !isDer(value))
        throw new Error(`the extension ${oid} of a certificate is not strict DER`);
    return value;
}
function constraintsOf(extensions) {
    const value = extensionValue(extensions, BASIC_CONSTRAINTS);
    if (value === undefined)
        return { isAuthority: false };
    const { cA, pathLenConstraint } = readWhole(build/* BasicConstraints */.N71, value, 'basicConstraints');
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
    return value === undefined ? {} : { purposes: readWhole(build/* ExtKeyUsage */.KdO, value, 'extKeyUsage').keyPurposes };
}
function emailsOf(extensions) {
    const value = extensionValue(extensions, ALTERNATIVE_NAME);
    if (value === undefined)
        return [];
    const { names } = readWhole(build/* GeneralNames */.t0$, value, 'subjectAltName');
    const raw = childrenOf(parseBer(value, 'subjectAltName'));
    return names.flatMap(({ type }, at) => (type === RFC822_NAME ? [emailOf(contentOf(raw[at] ?? never()))] : []));
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
    return value === undefined ? {} : { keyId: contentOf(parseBer(value, 'subjectKeyIdentifier')) };
}
function signatureHashOf(block) {
    const algorithm = signatureAlgorithmOf(new build/* AlgorithmIdentifier */.NE_({ schema: block }));
    if (algorithm === undefined || algorithm.family === 'dsa')
        return undefined;
    if (algorithm.hash === 'weak')
        return 'weak';
    return algorithm.hash === undefined && algorithm.family !== 'ed25519' ? undefined : 'strong';
}
function validityOf(block) {
    const [from, to, ...more] = childrenOf(block);
    if (more.length > 0)
        throw incomplete();
    return { notBefore: timeOf(from), notAfter: timeOf(to) };
}
function timeOf(block) {
    const date = block instanceof asn1js_build/* UTCTime */.O6 || block instanceof asn1js_build/* GeneralizedTime */.O_ ? block.toDate() : undefined;
    if (date === undefined || Number.isNaN(date.getTime()))
        throw new Error('the validity of a certificate is not a time');
    return date;
}
function x509_attempt(check) {
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

;// CONCATENATED MODULE: ./lib/source/cms.js









const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const TIMESTAMP_TOKEN = '1.2.840.113549.1.9.16.2.14';
/** sigstore/gitsign internal/rekor/oid. */
const LOG_ENTRY = '1.3.6.1.4.1.57264.3.1';
/**
 * @param certificate reads one certificate; callers that meet the same ones often keep them.
 * @throws `source/malformed`, `source/weak-hash`, `source/weak-signature`, `source/signature-unsupported`
 */
function parseCms(bytes, certificate = readCertificate) {
    try {
        if (bytes.byteLength > limits/* LIMITS */.b.cmsBytes)
            throw new Error(`more than ${limits/* LIMITS */.b.cmsBytes} bytes`);
        return read(bytes, certificate);
    }
    catch (error) {
        if (error instanceof core_error/* WaybillError */.Pz)
            throw error;
        const found = error instanceof Error ? error.message : 'unreadable';
        throw (0,core_error/* fail */.fJ)('source/malformed', `The CMS signature is not one that can be judged: ${(0,core_text/* printable */.g$)(found, 300)}`, {
            expected: 'a detached CMS signature with one signer and signed attributes, as gpgsm and gitsign write it',
            found,
            cause: error,
        });
    }
}
function read(bytes, certificate) {
    const data = signedDataOf(parseBer(bytes, 'the signature'));
    const signer = signerOf(data.signerInfo);
    const hash = requireHash(algorithmOf(signer.digestAlgorithm).algorithmId);
    if (algorithmOf(data.digestAlgorithm).algorithmId !== algorithmOf(signer.digestAlgorithm).algorithmId)
        throw new Error('a digest algorithm other than its signer’s');
    const certificates = certificatesOf(data.certificates, certificate);
    const own = only(certificates.filter(matcher(signer)), 'certificates of its signer');
    return {
        ...signatureOf(signer, hash),
        signer: own,
        certificates: certificates.filter(other => other !== own),
        ...unsignedOf(signer.unsignedAttributes),
    };
}
/** AlgorithmIdentifier ::= SEQUENCE { algorithm, parameters }; which hash and which key depend on it. */
function algorithmOf(block) {
    return readWhole(build/* AlgorithmIdentifier */.NE_, rawOf(block), 'an algorithm');
}
/** Duplicates are dropped: which of two equal ones is meant makes no difference. */
function certificatesOf(blocks, certificate) {
    if (blocks.length > limits/* LIMITS */.b.cmsCertificates)
        throw new Error(`more than ${limits/* LIMITS */.b.cmsCertificates} certificates`);
    const read = blocks.map(block => certificate(rawOf(block)));
    return read.filter((one, at) => read.findIndex(({ fingerprint }) => fingerprint === one.fingerprint) === at);
}
/** RFC 5652 § 5.3: version 1 names issuer and serial number, version 3 the subject key identifier. */
function matcher({ version, id }) {
    if (isNumber(version, 1)) {
        const [issuer, serial] = partsOf(id, 2, 'a signer’s name').map(rawOf);
        return one => (0,core_bytes/* equalBytes */.ex)(one.issuer, issuer ?? EMPTY) && (0,core_bytes/* equalBytes */.ex)(one.serialDer, serial ?? EMPTY);
    }
    if (isNumber(version, 3) && isContext(id, 0) && !id.idBlock.isConstructed) {
        const keyId = contentOf(id);
        return one => one.keyId !== undefined && (0,core_bytes/* equalBytes */.ex)(one.keyId, keyId);
    }
    throw new Error('a signer that is not named as its version says');
}
const EMPTY = new Uint8Array();
function signatureOf(signer, hash) {
    const signed = rawOf(signer.signedAttributes);
    signed[0] = 0x31;
    if (!isDer(signed))
        throw new Error('signed attributes that are not in DER');
    const values = attributesOf(signer.signedAttributes);
    if (objectId(values.get(CONTENT_TYPE)) !== DATA)
        throw new Error('no content type “data” in its signed attributes');
    return {
        hash,
        messageDigest: octetsOf(values.get(MESSAGE_DIGEST), 'message digest'),
        signed,
        algorithm: requireAlgorithm(signer, hash),
        signature: octetsOf(signer.signature, 'signature'),
    };
}
function unsignedOf(set) {
    if (set === undefined)
        return {};
    const values = attributesOf(set);
    const [entry, token] = [values.get(LOG_ENTRY), values.get(TIMESTAMP_TOKEN)];
    return {
        ...(entry === undefined ? {} : { logEntry: octetsOf(entry, 'log entry') }),
        ...(token === undefined ? {} : { timestamp: rawOf(token) }),
    };
}
function requireHash(oid) {
    const hash = hashOf(oid);
    if (hash === 'weak')
        throw weakHash();
    if (hash === undefined)
        throw unsupported(`the digest algorithm ${oid}`);
    return hash;
}
/** RFC 8419 § 3.1: Ed25519 goes with SHA-512; elsewhere the two hashes must be one. */
function requireAlgorithm({ signatureAlgorithm }, hash) {
    const id = algorithmOf(signatureAlgorithm);
    const algorithm = signatureAlgorithmOf(id);
    if (algorithm === undefined)
        throw unsupported(`the signature algorithm ${id.algorithmId}`);
    if (algorithm.hash === 'weak')
        throw weakHash();
    if (algorithm.family === 'dsa')
        throw (0,core_error/* fail */.fJ)('source/weak-signature', 'The X.509 signature is made with DSA', { found: 'DSA' });
    if (algorithm.family === 'ed25519' && hash !== 'sha512')
        throw new Error(`Ed25519 beside ${hash}`);
    if (algorithm.hash !== undefined && algorithm.hash !== hash)
        throw new Error('two different hashes');
    return algorithm;
}
function weakHash() {
    return (0,core_error/* fail */.fJ)('source/weak-hash', 'The X.509 signature rests on MD5 or SHA-1', {
        expected: 'SHA-256, SHA-384 or SHA-512',
        found: 'MD5 or SHA-1',
        remedy: 'Sign the commit again with SHA-256: git commit --amend --no-edit -S (with gpgsm: digest-algo SHA256)',
    });
}
function unsupported(found) {
    return (0,core_error/* fail */.fJ)('source/signature-unsupported', `The X.509 signature uses ${found}, which is not judged`, {
        expected: 'RSA, ECDSA on P-256, P-384 or P-521, or Ed25519, with SHA-256, SHA-384 or SHA-512',
        found,
    });
}

// EXTERNAL MODULE: ./lib/source/public-key.js
var public_key = __webpack_require__(15606);
;// CONCATENATED MODULE: ./lib/source/cms-verify.js




/** Curves by OpenSSL's names. */
const CURVES = {
    prime256v1: { name: 'ecdsa-p256', bits: 256 },
    secp384r1: { name: 'ecdsa-p384', bits: 384 },
    secp521r1: { name: 'ecdsa-p521', bits: 521 },
};
/** Kind and size of a key, in the words of the facts. @throws `source/signature-unsupported` */
function describeKey(key) {
    const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    const type = key.asymmetricKeyType;
    if (type === 'rsa' || type === 'rsa-pss')
        return { algorithm: 'rsa', bits: modulusLength };
    if (type === 'ed25519')
        return { algorithm: 'ed25519', bits: 256 };
    const curve = type === 'ec' && Object.hasOwn(CURVES, namedCurve) ? CURVES[namedCurve] : undefined;
    if (curve !== undefined)
        return { algorithm: curve.name, bits: curve.bits };
    const found = [type, namedCurve].filter(Boolean).join(' ');
    throw (0,core_error/* fail */.fJ)('source/signature-unsupported', `Signatures by certificates with a key of type ${found} are not judged`, {
        expected: 'RSA, ECDSA on P-256, P-384 or P-521, Ed25519',
        found,
    });
}
/** True when the signed attributes are about exactly this message. */
function isAbout(cms, message) {
    return (0,core_bytes/* equalBytes */.ex)((0,external_node_crypto_.createHash)(cms.hash).update(message).digest(), cms.messageDigest);
}
/** True when the signer's key made the signature over the signed attributes. */
async function isSignedBySigner(cms) {
    try {
        return await isRight(cms);
    }
    catch {
        // OpenSSL refuses numbers that no honest signature has, such as a modulus of a megabit, before it computes.
        return false;
    }
}
async function isRight({ signer, algorithm, hash, signed, signature }) {
    const { key } = signer;
    const type = key.asymmetricKeyType;
    const { family, saltLength = 0 } = algorithm;
    if (family === 'ed25519')
        return type === 'ed25519' && (0,public_key/* verifies */.s)(null, signed, key, signature);
    if (family === 'ecdsa')
        return type === 'ec' && (0,public_key/* verifies */.s)(hash, signed, key, signature);
    if (family === 'rsa')
        return type === 'rsa' && (0,public_key/* verifies */.s)(hash, signed, key, signature);
    if (family !== 'rsa-pss' || (type !== 'rsa' && type !== 'rsa-pss'))
        return false;
    return (0,public_key/* verifies */.s)(hash, signed, { key, padding: external_node_crypto_.constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
}

// EXTERNAL MODULE: ./lib/sigstore/verify/verify.js + 2 modules
var verify = __webpack_require__(82504);
;// CONCATENATED MODULE: ./lib/source/gitsign-entry.js


const INT = 0;
const BYTES = 2;
/** @throws an Error with a sentence for anything else than one complete entry. */
function readLogEntry(bytes, parts) {
    const fields = readMessage(bytes, { 1: INT, 2: BYTES, 3: BYTES, 4: INT, 5: BYTES, 6: BYTES, 7: BYTES });
    const kindVersion = readMessage(bytesAt(fields, 3), { 1: BYTES, 2: BYTES });
    const promise = readMessage(bytesAt(fields, 5), { 1: BYTES });
    const set = bytesAt(promise, 1);
    if (textAt(kindVersion, 1) !== 'hashedrekord' || textAt(kindVersion, 2) !== '0.0.1')
        throw new Error(`a log entry of kind ${textAt(kindVersion, 1)} ${textAt(kindVersion, 2)}`);
    const version = set.byteLength > 0 ? '0.0.1' : '0.0.2';
    const body = version === '0.0.1' ? bodyOfVersion1(parts) : bodyOfVersion2(parts);
    const stored = bytesAt(fields, 7);
    if (stored.byteLength > 0 && Buffer.compare(stored, body) !== 0)
        throw new Error('a log entry about another signature');
    return {
        logIndex: numberAt(fields, 1),
        keyId: bytesAt(readMessage(bytesAt(fields, 2), { 1: BYTES }), 1),
        kind: 'hashedrekord',
        version,
        integratedTime: numberAt(fields, 4),
        ...(set.byteLength > 0 ? { promise: set } : {}),
        proof: readProof(bytesAt(fields, 6)),
        body,
    };
}
function readProof(bytes) {
    const fields = readMessage(bytes, { 1: INT, 2: BYTES, 3: INT, 4: BYTES, 5: BYTES }, 4);
    const checkpoint = readMessage(bytesAt(fields, 5), { 1: BYTES });
    if (bytesAt(checkpoint, 1).byteLength === 0)
        throw new Error('a log entry without a checkpoint');
    return {
        logIndex: numberAt(fields, 1),
        rootHash: bytesAt(fields, 2),
        treeSize: numberAt(fields, 3),
        hashes: (fields.get(4) ?? []).filter(value => value instanceof Uint8Array),
        checkpoint: textAt(checkpoint, 1),
    };
}
/** @param repeated the one field that may stand there more than once. */
function readMessage(bytes, known, repeated) {
    const fields = new Map();
    const cursor = { at: 0 };
    while (cursor.at < bytes.byteLength) {
        const tag = varint(bytes, cursor);
        const field = Number(tag >> 3n);
        if (known[field] === undefined || known[field] !== Number(tag & 7n))
            throw new Error('a log entry with an unknown field');
        const values = fields.get(field) ?? [];
        if (values.length > 0 && field !== repeated)
            throw new Error('a log entry with a field twice');
        const value = varint(bytes, cursor);
        values.push(known[field] === INT ? value : take(bytes, cursor, Number(value)));
        fields.set(field, values);
    }
    return fields;
}
/** Base 128, least first; at most 63 bits, so that no number is negative, and in its shortest form. */
function varint(bytes, cursor) {
    let value = 0n;
    for (let shift = 0n; shift < 63n; shift += 7n) {
        const byte = bytes[cursor.at++];
        if (byte === undefined)
            break;
        value |= BigInt(byte & 0x7f) << shift;
        if (byte >= 0x80)
            continue;
        if (byte === 0 && shift > 0n)
            break;
        return value;
    }
    throw new Error('a log entry with a malformed number');
}
function take(bytes, cursor, length) {
    const end = cursor.at + length;
    if (end > bytes.byteLength)
        throw new Error('a log entry that is cut off');
    const value = bytes.slice(cursor.at, end);
    cursor.at = end;
    return value;
}
/** Absent fields of protocol buffers are empty. */
function bytesAt(fields, field) {
    const [value] = fields.get(field) ?? [];
    return value instanceof Uint8Array ? value : new Uint8Array();
}
function numberAt(fields, field) {
    const [value] = fields.get(field) ?? [];
    return typeof value === 'bigint' ? value.toString() : '0';
}
function textAt(fields, field) {
    const text = (0,core_bytes/* decodeUtf8 */._6)(bytesAt(fields, field));
    if (text === undefined)
        throw new Error('a log entry with text that is not UTF-8');
    return text;
}
/** Rekor v1, `hashedrekord` 0.0.1 in canonical JSON (RFC 8785): the leaf is PEM inside base64. */
function bodyOfVersion1({ signed, signature, certificate }) {
    const lines = (0,core_bytes/* encodeBase64 */.WG)(certificate).match(/.{1,64}/g) ?? [];
    const pem = `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
    const value = (0,external_node_crypto_.createHash)('sha256').update(signed).digest('hex');
    return canonical({
        apiVersion: '0.0.1',
        kind: 'hashedrekord',
        spec: {
            data: { hash: { algorithm: 'sha256', value } },
            signature: { content: (0,core_bytes/* encodeBase64 */.WG)(signature), publicKey: { content: (0,core_bytes/* encodeBase64 */.WG)((0,core_bytes/* utf8 */.As)(pem)) } },
        },
    });
}
/** Rekor v2, `hashedrekord` 0.0.2; gitsign's keys are ECDSA on P-256. */
function bodyOfVersion2({ signed, signature, certificate }) {
    const digest = (0,external_node_crypto_.createHash)('sha256').update(signed).digest('base64');
    const verifier = {
        keyDetails: 'PKIX_ECDSA_P256_SHA_256',
        x509Certificate: { rawBytes: (0,core_bytes/* encodeBase64 */.WG)(certificate) },
    };
    return canonical({
        apiVersion: '0.0.2',
        kind: 'hashedrekord',
        spec: {
            hashedRekordV002: {
                data: { algorithm: 'SHA2_256', digest },
                signature: { content: (0,core_bytes/* encodeBase64 */.WG)(signature), verifier },
            },
        },
    });
}
/** Keys above stand in order and texts are plain ASCII, so that JSON.stringify is canonical. */
function canonical(body) {
    return (0,core_bytes/* utf8 */.As)(JSON.stringify(body));
}

;// CONCATENATED MODULE: ./lib/source/gitsign.js





/**
 * A gitsign signature made in offline mode, against the trust root alone: no network. The caller has checked
 *
 *     gitsign 1/5  messageDigest equals the hash of the commit without `gpgsig`
 *     gitsign 2/5  the leaf's key signed the signed attributes
 *
 * and that an authority of this trust root issued the leaf.
 * Trap: the log has the hash of the signed attributes, not of the commit; without 1/5 an entry would vouch for any commit.
 * @throws `source/malformed`, `source/signature-unsupported`, `sigstore/…`; `source/gitsign-online` (unknown) when the
 * signature has no log entry although the instance has a log.
 */
function verifyGitsign(cms, trust) {
    const { hash, algorithm, signed, signature, signer, logEntry, timestamp } = cms;
    // gitsign knows no others, and the log's entry is over SHA-256.
    if (hash !== 'sha256' || algorithm.family !== 'ecdsa')
        throw gitsign_unsupported(`${algorithm.family} with ${hash}`);
    if (logEntry === undefined && trust.material.tlogs.length > 0)
        throw online();
    const parts = { certificate: signer.der, signed, signature };
    const entries = logEntry === undefined ? [] : [strictly(() => readLogEntry(logEntry, parts))]; // gitsign 3/5: what must have been logged
    const tokens = timestamp === undefined ? [] : [timestamp];
    const message = (0,verify/* verifyMessage */.lT)({ ...parts, entries, tokens }, trust); // gitsign 4/5: chain, SCT, log entry, time inside the certificate
    return {
        kind: 'gitsign',
        fingerprint: signer.fingerprint,
        serial: message.signer.serial.toUpperCase(),
        identity: identityOf(message.signer), // gitsign 5/5: one e-mail address or URI
        issuer: message.signer.issuer,
        ...describeKey(signer.key),
        trustedTime: gitsign_timeOf(message.signedAt, message.timeSource),
    };
}
function gitsign_timeOf(time, source) {
    return { time, from: source === 'rekor-v1' ? 'log' : 'timestamp' };
}
/** A policy compares plain text, so a name of one kind must never look like one of the other. */
function identityOf({ san }) {
    const { type, value } = san;
    const plain = type === 'email' ? /^[^@:/]+@[^@:/]+$/ : /^[a-z][a-z0-9+.-]*:\/\/[^/]/;
    if (type !== 'other' && plain.test(value))
        return value;
    throw gitsign_unsupported(`an identity of type ${type}: ${(0,core_text/* printable */.g$)(value, 200)}`);
}
function strictly(read) {
    try {
        return read();
    }
    catch (error) {
        const found = error instanceof Error ? error.message : 'unreadable';
        throw (0,core_error/* fail */.fJ)('source/malformed', `The gitsign signature has ${(0,core_text/* printable */.g$)(found, 300)}`, {
            expected: 'the log entry that gitsign embeds',
            found,
            cause: error,
        });
    }
}
function gitsign_unsupported(found) {
    return (0,core_error/* fail */.fJ)('source/signature-unsupported', `The gitsign signature uses ${found}, which is not judged`, {
        expected: 'ECDSA with SHA-256 and one e-mail address or URI, as gitsign signs',
        found,
    });
}
function online() {
    return (0,core_error/* fail */.fJ)('source/gitsign-online', 'The gitsign signature has no log entry in it, so it cannot be checked by itself', {
        expected: 'a signature made in gitsign’s offline mode',
        found: 'no transparency log entry',
    });
}

;// CONCATENATED MODULE: ./lib/source/x509-chain.js


/** Certificates between leaf and root; real authorities have one or two. */
const INTERMEDIATES = 6;
/** Signatures checked for one leaf: enough for every honest set, few enough for a hostile one. */
const ATTEMPTS = 100;
/**
 * What an authority may have meant a certificate for, when it says so: e-mail protection (what gpgsm's users have), code
 * signing (what gitsign asks for), or anything. gpgsm makes and accepts signatures with certificates for TLS clients and
 * servers as well [run]; those lie on machines that log in or answer, and were not given out for signing, so they refuse.
 */
const PURPOSES = ['1.3.6.1.5.5.7.3.4', '1.3.6.1.5.5.7.3.3', '2.5.29.37.0'];
/**
 * Finds a way from the leaf to one of the roots and checks every certificate on it (RFC 5280 § 6.1): names, signatures,
 * authority, key usage, path lengths, purposes, critical extensions. Not the dates: those are for the policy and its clock.
 * Of several ways the first that holds is taken. Roots are trusted for being named by the policy; their own signature
 * says nothing.
 * @param others certificates that came with the signature, in any order; whoever made the commit chose them.
 * @throws `source/certificate-untrusted`, `source/weak-hash`
 */
function chainTo(roots, leaf, others) {
    const search = new Search(roots, others);
    const found = search.from([leaf]);
    if (found !== undefined)
        return found;
    throw search.problem ?? untrusted(search.deepest, roots.length);
}
class Search {
    /** Why a way that did reach a root does not hold. */
    problem;
    /** The last certificate of the longest way, whose issuer was not found. */
    deepest;
    #longest = 0;
    #attempts = 0;
    #roots;
    #others;
    constructor(roots, others) {
        this.#roots = roots;
        this.#others = others.filter(other => !roots.some(root => root.fingerprint === other.fingerprint));
    }
    from(path) {
        const last = path.at(-1) ?? path[0];
        if (path.length > this.#longest) {
            this.#longest = path.length;
            this.deepest = last;
        }
        for (const root of this.#issuersOf(last, this.#roots)) {
            const whole = [...path, root];
            const problem = problemOf(whole);
            if (problem === undefined)
                return whole;
            this.problem ??= problem;
        }
        if (path.length > INTERMEDIATES)
            return undefined;
        for (const issuer of this.#issuersOf(last, this.#others)) {
            if (path.some(({ fingerprint }) => fingerprint === issuer.fingerprint))
                continue;
            const found = this.from([...path, issuer]);
            if (found !== undefined)
                return found;
        }
        return undefined;
    }
    #issuersOf(certificate, candidates) {
        return candidates.filter(candidate => {
            if (!(0,core_bytes/* equalBytes */.ex)(candidate.subject, certificate.issuer) || this.#attempts >= ATTEMPTS)
                return false;
            this.#attempts++;
            return certificate.isSignedBy(candidate.key);
        });
    }
}
function problemOf(chain) {
    const [leaf, ...authorities] = chain;
    const below = chain.slice(0, -1);
    if (below.some(({ signatureHash }) => signatureHash === 'weak'))
        return x509_chain_weakHash();
    const problem = leafProblem(leaf) ??
        first(authorities, (authority, at) => authorityProblem(authority, chain.slice(1, at + 1))) ??
        first(below, purposeProblem) ??
        first(chain, extensionProblem) ??
        first(below, algorithmProblem);
    return problem === undefined ? undefined : refused(problem);
}
function first(list, problem) {
    for (const [at, item] of list.entries()) {
        const found = problem(item, at);
        if (found !== undefined)
            return found;
    }
    return undefined;
}
function leafProblem({ isAuthority, usage }) {
    if (isAuthority)
        return 'the signer’s certificate is an authority’s own';
    if (usage !== undefined && !usage.signs)
        return 'the signer’s certificate is not for signatures (its key usage)';
    return undefined;
}
/** @param below authorities between this one and the leaf. */
function authorityProblem(authority, below) {
    const { isAuthority, usage, pathLength, serial } = authority;
    if (!isAuthority)
        return `the issuing certificate ${serial} is not an authority’s (basicConstraints)`;
    if (usage !== undefined && !usage.certifies)
        return `the issuing certificate ${serial} is not for certificates (key usage)`;
    const counted = below.filter(({ subject, issuer }) => !(0,core_bytes/* equalBytes */.ex)(subject, issuer)).length;
    if (pathLength !== undefined && counted > pathLength)
        return `the authority ${serial} allows ${pathLength} authorities below it, not ${counted}`;
    return undefined;
}
function purposeProblem({ purposes, serial }) {
    if (purposes === undefined || purposes.some(purpose => PURPOSES.includes(purpose)))
        return undefined;
    return `certificate ${serial} is neither for e-mail protection nor for code signing (extended key usage)`;
}
function extensionProblem({ notUnderstood: [oid], serial }) {
    return oid === undefined
        ? undefined
        : `certificate ${serial} has the extension ${oid}, which limits it in a way that is not judged`;
}
function algorithmProblem({ signatureHash, serial }) {
    return signatureHash === undefined
        ? `certificate ${serial} is signed with an algorithm that is not judged`
        : undefined;
}
function refused(found) {
    return (0,core_error/* fail */.fJ)('source/certificate-untrusted', `The certificate chain does not hold: ${found}`, {
        expected: 'a chain for signing, by RFC 5280',
        found,
        remedy: 'Have the authority issue a certificate for signing (key usage digitalSignature, purpose e-mail protection).',
    });
}
function x509_chain_weakHash() {
    return (0,core_error/* fail */.fJ)('source/weak-hash', 'A certificate of the chain is signed over MD5 or SHA-1', {
        expected: 'SHA-256, SHA-384 or SHA-512',
        found: 'MD5 or SHA-1',
        remedy: 'Have the authority issue the certificate again with SHA-256, and sign: git commit --amend --no-edit -S',
    });
}
function untrusted(last, roots) {
    const issuer = last?.issuerText ?? 'nobody';
    return (0,core_error/* fail */.fJ)('source/certificate-untrusted', 'The certificate chain leads to no root that the policy names', {
        expected: roots === 0 ? 'a root certificate named by the policy; it names none' : `one of ${roots} root certificates`,
        found: `no certificate of the issuer ${issuer}`,
        remedy: 'If you trust this authority, add its root certificate in an approved commit: ' +
            'signers: [{ x509: { san: ADDRESS, roots: keys/ROOTS.pem } }]; an intermediate certificate must come with the signature (gpgsm: include-certs -2).',
    });
}

;// CONCATENATED MODULE: ./lib/source/x509-roots.js




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
            throw (0,core_error/* fail */.fJ)('source/root-unreadable', `The file ${(0,core_text/* printable */.g$)(path)} cannot be read as root certificates`, {
                expected: 'PEM: -----BEGIN CERTIFICATE-----',
                found: (0,core_text/* printable */.g$)(found, 300),
                cause: error,
            });
        }
    }
    return [...roots.values()];
}
function rootsOf(bytes) {
    const text = (0,core_bytes/* decodeUtf8 */._6)(bytes);
    if (text === undefined)
        throw new Error('text that is not UTF-8');
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
        throw new Error('a private key, which must never be in a repository');
    const blocks = [...text.matchAll(BLOCK)];
    if (blocks.length === 0 || text.replace(BLOCK, '').trim() !== '')
        throw new Error('something other than certificates');
    return blocks.map(([, body = '']) => {
        const root = readCertificate((0,core_bytes/* decodeBase64 */.y4)(body.replace(/[\r\n]/g, ''), 'certificate'));
        if (!root.isAuthority)
            throw new Error(`certificate ${root.serial}, which is not an authority’s (basicConstraints)`);
        return root;
    });
}

;// CONCATENATED MODULE: ./lib/source/cms-signature.js








// One door to everything that needs the heavy parsers, so that they are one file of the bundle.

/**
 * Checks a `SIGNED MESSAGE`: mathematics first, then whose authority stands behind the certificate. A leaf that Fulcio's
 * extensions mark asks for the trust root once a run; when no authority of it issued the leaf, the roots of the policy
 * decide, as for any other.
 * @param claim is told the fingerprint of the certificate as soon as it is read.
 * @throws `source/…` and `sigstore/…` that say what is wrong; those of kind unknown could not be checked.
 */
async function checkCms(armor, payload, keyring, claim) {
    const cms = parseCms((0,source_armor/* decodeCmsArmor */.H6)(armor), der => keyring.certificate(der, readCertificate));
    const { signer, certificates } = cms;
    claim.key = signer.fingerprint;
    describeKey(signer.key);
    if (!isAbout(cms, payload))
        throw badSignature('a signature over other bytes'); // gitsign 1/5
    if (!(await isSignedBySigner(cms)))
        throw badSignature('a signature by another key'); // gitsign 2/5
    if (!signer.looksLikeFulcio)
        return x509Fact(cms, chainTo(keyring.x509Roots, signer, certificates), keyring);
    const trust = await trustOf(keyring, () => hasChain(keyring, cms));
    if (trust !== undefined && (0,message/* isIssuedBy */.rh)(trust, signer.der))
        return verifyGitsign(cms, trust);
    return x509Fact(cms, chainTo(keyring.x509Roots, signer, certificates), keyring);
}
/** @throws `source/trust-root-missing` (unknown) when none is to be had and the policy's roots do not know the leaf either. */
async function trustOf(keyring, isKnownElsewhere) {
    const { sigstoreTrust } = keyring;
    if (sigstoreTrust === undefined) {
        if (isKnownElsewhere())
            return undefined;
        throw (0,core_error/* fail */.fJ)('source/trust-root-missing', 'The signature is by a certificate of Fulcio, and no trust root is at hand');
    }
    try {
        return await sigstoreTrust();
    }
    catch (error) {
        // Whatever is wrong with the trust root, it is no statement about this signature.
        if (error instanceof core_error/* WaybillError */.Pz)
            throw asUnknown(error);
        throw error;
    }
}
function asUnknown(error) {
    const { code, message, expected, found, remedy } = error;
    return (0,core_error/* fail */.fJ)(code, message, {
        kind: 'unknown',
        ...(expected === undefined ? {} : { expected }),
        ...(found === undefined ? {} : { found }),
        remedy,
        cause: error,
    });
}
function hasChain(keyring, { signer, certificates }) {
    try {
        chainTo(keyring.x509Roots, signer, certificates);
        return true;
    }
    catch (error) {
        if (error instanceof core_error/* WaybillError */.Pz)
            return false;
        throw error;
    }
}
async function x509Fact(cms, chain, keyring) {
    const [leaf] = chain;
    const root = chain.at(-1) ?? leaf;
    const trustedTime = await timestampOf(cms, keyring);
    return {
        kind: 'x509',
        fingerprint: leaf.fingerprint,
        root: root.fingerprint,
        chain: chain.map(({ serial, fingerprint }) => ({ serial, fingerprint })),
        emails: leaf.emails,
        ...describeKey(leaf.key),
        notBefore: limit(chain, ({ notBefore }) => notBefore, Math.max),
        notAfter: limit(chain, ({ notAfter }) => notAfter, Math.min),
        ...(trustedTime === undefined ? {} : { trustedTime }),
    };
}
function limit(chain, date, pick) {
    return new Date(pick(...chain.map(one => date(one).getTime())));
}
/**
 * A token of somebody whom the trust root does not name gives no time, and neither does one without a trust root: then the
 * certificate's dates are judged now, which is never milder.
 */
async function timestampOf({ timestamp, signature }, keyring) {
    if (timestamp === undefined || keyring.sigstoreTrust === undefined)
        return undefined;
    const trust = await keyring.sigstoreTrust().catch(error => {
        if (error instanceof core_error/* WaybillError */.Pz)
            return undefined;
        throw error;
    });
    const time = trust === undefined ? undefined : (0,message/* timeOfToken */.co)(timestamp, signature, trust);
    return time === undefined ? undefined : { time, from: 'timestamp' };
}
function badSignature(found) {
    return (0,core_error/* fail */.fJ)('source/bad-signature', 'The signature does not match the bytes of the commit', {
        expected: 'the bytes that were signed',
        found,
    });
}


/***/ })

};
