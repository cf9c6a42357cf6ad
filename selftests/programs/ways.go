// SPDX-License-Identifier: GPL-2.0-only

// A Go program that knows nothing of winsock, for winsock-run: as ways.c, by Go's means. It
// makes its system calls without a C library, its sockets are non-blocking, and its scheduler
// sends signals to threads that are in calls. "serve ADDRESS FILE": a server of a file.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"
)

func fail(err error) {
	if err != nil {
		fmt.Println("broken:", err)
		os.Exit(1)
	}
}

func connected() (*net.TCPConn, *net.TCPConn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	fail(err)
	peer, err := listener.Accept()
	fail(err)
	peer.(*net.TCPConn).SetReadBuffer(4096)
	return client.(*net.TCPConn), peer.(*net.TCPConn)
}

func ulp(connection *net.TCPConn) string {
	var name [16]byte
	size := uint32(len(name))
	raw, err := connection.SyscallConn()
	fail(err)
	raw.Control(func(fd uintptr) {
		syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, 31,
			uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if string(name[:7]) == "winsock" {
		return "attached"
	}
	return "not attached"
}

// Sets linger while another goroutine never yields, and is preempted by signals.
func linger() string {
	go func() {
		for {
		}
	}()
	result := ""
	for i := 0; i < 30; i++ {
		client, peer := connected()
		fail(client.SetLinger(1))
		if i > 0 && ulp(client) != result {
			return "broken"
		}
		result = ulp(client)
		fail(client.Close())
		peer.Close()
	}
	return result
}

func closing() string {
	client, peer := connected()
	fail(client.SetLinger(1))
	client.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	block := make([]byte, 1<<20)
	for {
		if _, err := client.Write(block); err != nil {
			break
		}
	}
	err := client.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return "refused"
	}
	fail(err)
	time.Sleep(3 * time.Second)
	for err == nil {
		_, err = peer.Read(block)
	}
	if errors.Is(err, syscall.ECONNRESET) {
		return "reset"
	}
	return "orphaned"
}

func serve(address, file string) {
	listener, err := net.Listen("tcp", address)
	fail(err)
	for {
		connection, err := listener.Accept()
		fail(err)
		fail(connection.(*net.TCPConn).SetLinger(10))
		data, err := os.ReadFile(file)
		fail(err)
		connection.Write(data)
		connection.Close()
	}
}

func main() {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "serve":
		serve(os.Args[2], os.Args[3])
	case len(os.Args) == 2 && os.Args[1] == "linger":
		fmt.Println("all", linger())
	default:
		fmt.Println("all", closing())
	}
}
