//go:build linux || darwin || freebsd

package symbolon

import (
	"io/fs"
	"os"
	"syscall"
)

// freeSpace is how many bytes an ordinary process may still write in the file system of a folder, and how many that has in all.
func freeSpace(folder string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil
}

// owner is the user id of a file's owner; -1 where the system has none.
func owner(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}

// mayWrite says why this process may not write a file or folder; nil if it may.
func mayWrite(path string) error {
	const write = 2 // W_OK of access(2)
	return os.NewSyscallError("access", syscall.Access(path, write))
}
