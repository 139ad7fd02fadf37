//go:build unix

package postgres

import (
	"crypto/tls"
	"syscall"
)

// stale says whether something has come over an idle connection: its end, or the reason for it. What was sent over such a
// connection would have an unknown outcome.
func (c *conn) stale() bool {
	raw := c.net
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	s, ok := raw.(syscall.Conn)
	if !ok {
		return false
	}
	r, err := s.SyscallConn()
	if err != nil {
		return true
	}
	quiet := false
	err = r.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	})
	return err != nil || !quiet
}
