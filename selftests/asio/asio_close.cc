// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asio (Debian's libasio-dev) with its Windows back end on the library: its sockets are closed by
 * themselves and by their peer.
 */
#include <chrono>
#include <functional>
#include <iostream>
#include <string>
#include <thread>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

extern "C" {
void net_enter(void);
void dev_require(void);
}

using asio::ip::tcp;
using code = asio::error_code;

namespace {

int count, failed;

void result(bool good, const char *name)
{
	std::cout << (good ? "ok " : "not ok ") << ++count << " asio: " << name << std::endl;
	failed += !good;
}

double now()
{
	using namespace std::chrono;

	return duration<double>(steady_clock::now().time_since_epoch()).count();
}

/* A connection of two of Asio's sockets, and the result of an operation of each. */
struct scene {
	asio::io_context context;
	tcp::socket client { context }, server { context };
	std::string memory = std::string(1 << 22, 'x');
	code read_code, write_code;
	size_t read_size = 0;
	int reads = 0, writes = 0;
	bool open = false;
	char buffer[16];

	scene()
	{
		tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
		code accepted = asio::error::try_again, connected = accepted;

		/* These call AcceptEx() and ConnectEx(). */
		acceptor.async_accept(server, [&](code error) { accepted = error; });
		client.async_connect(acceptor.local_endpoint(), [&](code error) { connected = error; });
		run();
		open = !accepted && !connected;
	}

	void read(tcp::socket &socket)
	{
		asio::async_read(socket, asio::buffer(buffer), [this](code error, size_t size) {
			reads++;
			read_code = error;
			read_size = size;
		});
	}

	void write(tcp::socket &socket)
	{
		asio::async_write(socket, asio::buffer(memory), [this](code error, size_t) {
			writes++;
			write_code = error;
		});
	}

	/* Send more than the two sides hold, so that the socket has unsent data. */
	void fill(tcp::socket &socket)
	{
		code error;

		socket.non_blocking(true);
		while (!error)
			socket.write_some(asio::buffer(memory), error);
	}

	/* Read to the end of the stream. Returns its error. */
	code end(tcp::socket &socket)
	{
		code error;

		socket.non_blocking(false);
		while (!error)
			socket.read_some(asio::buffer(memory), error);
		return error;
	}

	bool run()
	{
		context.restart();
		return context.run_for(std::chrono::seconds(20)) > 0;
	}
};

void connected()
{
	scene scene;

	result(scene.open && scene.client.local_endpoint() == scene.server.remote_endpoint() &&
	       scene.server.local_endpoint() == scene.client.remote_endpoint(),
	       "an asynchronous accept takes an asynchronous connect");
}

void accept_cancelled_by_close()
{
	asio::io_context context;
	tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
	tcp::socket socket(context);
	code accepted;

	acceptor.async_accept(socket, [&](code error) { accepted = error; });
	acceptor.close();
	context.run_for(std::chrono::seconds(20));
	result(accepted == asio::error::operation_aborted && !socket.is_open(),
	       "a close of the acceptor ends its accept");
}

void cancelled_by_its_own_close()
{
	scene scene;

	scene.fill(scene.client);
	scene.read(scene.client);
	scene.write(scene.client);
	scene.client.close();
	scene.run();
	result(scene.reads == 1 && scene.read_code == asio::error::operation_aborted &&
	       scene.writes == 1 && scene.write_code == asio::error::operation_aborted,
	       "a close completes what is pending, once, as aborted");
}

void cancelled()
{
	scene scene;

	scene.read(scene.client);
	scene.client.cancel();
	scene.run();
	bool aborted = scene.read_code == asio::error::operation_aborted;
	asio::write(scene.server, asio::buffer("0123456789abcde"));
	scene.read(scene.client);
	scene.run();
	result(aborted && !scene.read_code && scene.reads == 2,
	       "a read that was cancelled is followed by one that is not");
}

void end_of_stream()
{
	scene scene;

	scene.read(scene.client);
	asio::write(scene.server, asio::buffer("abc", 3));
	scene.server.close();
	scene.run();
	result(scene.read_code == asio::error::eof && scene.read_size == 3,
	       "the peer's close is the end, behind the data");
}

void half_closed()
{
	scene scene;

	scene.client.shutdown(tcp::socket::shutdown_send);
	bool ended = scene.end(scene.server) == asio::error::eof;
	scene.read(scene.client);
	asio::write(scene.server, asio::buffer("0123456789abcde"));
	scene.run();
	result(ended && !scene.read_code && scene.read_size == 16,
	       "one direction ends, the other goes on");
}

void reset_by_the_peer()
{
	scene scene;

	scene.read(scene.client);
	scene.server.set_option(asio::socket_base::linger(true, 0));
	scene.server.close();
	scene.run();
	result(scene.reads == 1 && scene.read_code == asio::error::connection_reset,
	       "a hard close is the peer's reset");
}

void lingering_until_the_deadline()
{
	scene scene;
	double begun = now();

	scene.fill(scene.client);
	scene.client.set_option(asio::socket_base::linger(true, 1));
	/* The close would block; Asio makes the socket blocking, and closes again. */
	scene.client.close();
	double took = now() - begun;
	result(took >= 0.9 && scene.end(scene.server) == asio::error::connection_reset,
	       "a lingering close of a non-blocking socket waits, and resets at the deadline");
}

void lingering_with_a_reader()
{
	scene scene;

	scene.fill(scene.client);
	scene.client.set_option(asio::socket_base::linger(true, 20));
	std::thread reader([&scene] { scene.read_code = scene.end(scene.server); });
	scene.client.close();
	reader.join();
	result(scene.read_code == asio::error::eof,
	       "with a reader all arrives before the end");
}

void destroyed_in_the_background()
{
	scene scene;
	double begun = now();

	{
		tcp::socket dying = std::move(scene.client);

		scene.fill(dying);
		dying.set_option(asio::socket_base::linger(true, 20));
	}
	double took = now() - begun;
	result(took < 10 && scene.end(scene.server) == asio::error::eof,
	       "a socket that is destroyed does not linger, and its data arrives");
}

} // namespace

int main()
{
	dev_require();
	net_enter();
	std::cout << "TAP version 13\n1..10" << std::endl;
	connected();
	accept_cancelled_by_close();
	cancelled_by_its_own_close();
	cancelled();
	end_of_stream();
	half_closed();
	reset_by_the_peer();
	lingering_until_the_deadline();
	lingering_with_a_reader();
	destroyed_in_the_background();
	return failed != 0;
}
