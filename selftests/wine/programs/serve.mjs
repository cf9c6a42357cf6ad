// SPDX-License-Identifier: GPL-2.0-only
// For node, Deno and Bun.
import http from "node:http";
import process from "node:process";

const big = new Uint8Array(16 << 20);

http.createServer((request, answer) => {
	if (request.url === "/exit")
		process.exit(0);
	answer.setHeader("Content-Length", big.length);
	answer.end(big);
}).listen(Number(process.argv[2]), "127.0.0.1");
