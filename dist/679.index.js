export const id = 679;
export const ids = [679];
export const modules = {

/***/ 50679:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   KubeConfig: () => (/* reexport safe */ _kubernetes_client_node_dist_config_js__WEBPACK_IMPORTED_MODULE_0__.yp)
/* harmony export */ });
/* harmony import */ var _kubernetes_client_node_dist_config_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(60794);
/**
 * The part of the official client library that is used: reading kubeconfig files and applying what they say about TLS, proxies,
 * service accounts and OpenID Connect. A file of its own, imported dynamically: most runs never ask a cluster (decision 19).
 */



/***/ })

};
