// SPDX-License-Identifier: GPL-2.0-only
// A server whose connections linger for 8 seconds.
package main

import (
	"net"
	"net/http"
	"os"
)

var big = make([]byte, 32<<20)

func main() {
	http.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) { w.Write(big) })
	http.HandleFunc("/exit", func(w http.ResponseWriter, r *http.Request) { os.Exit(0) })
	server := http.Server{
		Addr: "127.0.0.1:" + os.Args[1],
		ConnState: func(c net.Conn, state http.ConnState) {
			if state == http.StateNew {
				c.(*net.TCPConn).SetLinger(8)
			}
		},
	}
	server.ListenAndServe()
}
