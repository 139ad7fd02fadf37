//go:build unix

package postgrestest

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// owner is who runs the server, which refuses to run as root; nil for this process's own user.
type owner struct{ uid, gid int }

func findOwner() (*owner, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.Atoi(u.Uid)
		gid, errG := strconv.Atoi(u.Gid)
		return &owner{uid, gid}, errors.Join(errU, errG)
	}
	return nil, errors.New("postgres refuses to run as root, and there is no user postgres or nobody")
}

// attributes are those of its processes: out of reach of the terminal's signals.
func (o *owner) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if o != nil {
		a.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
	return a
}

func (o *owner) give(paths ...string) error {
	if o == nil {
		return nil
	}
	var errs []error
	for _, p := range paths {
		errs = append(errs, os.Chown(p, o.uid, o.gid))
	}
	return errors.Join(errs...)
}
