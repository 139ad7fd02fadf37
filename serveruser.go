package symbolon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// asServersUser keeps root from making files in another user's data folder: that user is who the server runs as, and it could not open them
// any more. Other users than the two are kept off by the modes.
func (c Config) asServersUser() error {
	if c.Memory || os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(c.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if user := owner(info); user > 0 {
		return fmt.Errorf("the data folder %s belongs to the user %d, and this is root: a server of that user could not open what root makes there. "+
			"Run this as that user (setpriv --reuid %d --regid %d --clear-groups ...), or give root the folder first (chown -R 0 %s)",
			c.Data, user, user, user, c.Data)
	}
	return nil
}
