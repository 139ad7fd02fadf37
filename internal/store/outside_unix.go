//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package store

import "syscall"

// outside is zeroed memory that the collector neither looks into nor counts, so that it lets no garbage pile up in proportion to it.
// What nobody has written takes no memory. The function gives it back, after which nobody may look at it.
func outside(size int) (room []byte, giveBack func()) {
	room, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, size), func() {}
	}
	return room, func() { _ = syscall.Munmap(room) } // of what Mmap gave it cannot fail
}
