//go:build unix

package symbolon

import (
	"net"
	"syscall"
)

// fade has the system put no more connections into the listener's queue: their clients go on knocking, while those in the queue are still
// taken. Closing a listener resets what is in its queue, and with it requests that were sent already, which nobody may repeat.
func fade(l net.Listener) {
	t, ok := l.(*net.TCPListener)
	if !ok {
		return
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return // it is closed already
	}
	_ = raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), 0) }) // the queue then empties less surely, and nothing else
}
