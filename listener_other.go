//go:build !unix

package symbolon

import "net"

// fade does nothing: only Unix can shorten the queue of a listener in use.
func fade(net.Listener) {}
