//go:build !unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
)

// lock takes the database for this process by a file that must not exist; after a crash it has to be removed by hand.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w: %s exists", ErrInUse, path)
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}
