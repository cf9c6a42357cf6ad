# SPDX-License-Identifier: GPL-2.0-only
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
	services = [(name = "main", worker = (
		modules = [(name = "worker", esModule = embed "worker.mjs")],
		compatibilityDate = "2024-01-01",
	))],
	sockets = [(name = "http", address = "127.0.0.1:7005", http = (), service = "main")],
);
