//go:build !(linux || darwin || freebsd)

package symbolon

import "errors"

// freeSpace has no portable answer.
func freeSpace(string) (free, total uint64, err error) { return 0, 0, errors.ErrUnsupported }
