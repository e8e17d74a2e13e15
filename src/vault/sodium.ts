// libsodium, ready for use. Its WebAssembly loads asynchronously, once per process.

import sodium from 'libsodium-wrappers';

await sodium.ready;

export { sodium };
