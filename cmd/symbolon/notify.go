package main

import (
	"context"
	"log/slog"
	"net"
	"os"
)

// supervised tells systemd (sd_notify(3)) that the server is up, and that it is ending once ctx has ended. Without a NOTIFY_SOCKET nobody
// wants to know.
func supervised(ctx context.Context) (stop func() bool) {
	notify("READY=1")
	return context.AfterFunc(ctx, func() { notify("STOPPING=1") })
}

func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}) // a leading @ is an abstract name to both
	if err == nil {
		_, err = conn.Write([]byte(state))
		_ = conn.Close() // a datagram has left or not
	}
	if err != nil {
		slog.Warn("the supervisor cannot be told", "state", state, "error", err)
	}
}
