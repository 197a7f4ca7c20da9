export const id = 759;
export const ids = [759];
export const modules = {

/***/ 99759:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   performArtifactTask: () => (/* binding */ performArtifactTask)
/* harmony export */ });
/* harmony import */ var _actions_artifact__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(83077);

/** How the service refuses a second artifact of one name in one attempt. */
const TAKEN = /\b409\b|already exists/;
/**
 * One exchange with the runner's artifact service, by GitHub's own client. It reads address and token from the environment, so this
 * runs in a thread of its own; imported dynamically there, because few runs need it and it is large. Never throws.
 */
async function performArtifactTask(task) {
    const client = new _actions_artifact__WEBPACK_IMPORTED_MODULE_0__/* .DefaultArtifactClient */ .t9();
    try {
        return task.kind === 'upload' ? await upload(client, task) : await download(client, task);
    }
    catch (error) {
        if (error instanceof _actions_artifact__WEBPACK_IMPORTED_MODULE_0__/* .ArtifactNotFoundError */ .CL)
            return { state: 'absent' };
        return { state: 'failed', why: error instanceof Error ? error.message : String(error) };
    }
}
async function upload(client, { name, folder, files, replace }) {
    const send = () => client.uploadArtifact(name, [...files], folder);
    const sent = await send().catch(async (error) => {
        if (!replace || !TAKEN.test(String(error)))
            throw error;
        await client.deleteArtifact(name);
        return send();
    });
    return { state: 'done', id: sent.id ?? 0, bytes: sent.size ?? 0 };
}
/** As it lies in the store: its entries are read by our own strict reader, never unpacked by the library. */
async function download(client, { name, folder, most }) {
    const { artifact } = await client.getArtifact(name);
    if (artifact.size > most)
        return { state: 'failed', why: `it has ${artifact.size} bytes, more than ${most}` };
    const got = await client.downloadArtifact(artifact.id, {
        path: folder,
        skipDecompress: true,
        ...(artifact.digest === undefined ? {} : { expectedHash: artifact.digest }),
    });
    if (got.digestMismatch === true)
        return { state: 'failed', why: 'it was served with another digest than it was stored with' };
    return { state: 'done', id: artifact.id, bytes: artifact.size };
}


/***/ })

};
