//go:build linux || darwin || freebsd

package symbolon

import "syscall"

// freeSpace is how many bytes an ordinary process may still write in the file system of a folder, and how many that has in all.
func freeSpace(folder string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil
}
