/** Node 22.12 and later can `require()` an ES module; jest on Node 20 cannot. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
export const supportsStaticESM = major > 22 || (major === 22 && minor >= 12)
