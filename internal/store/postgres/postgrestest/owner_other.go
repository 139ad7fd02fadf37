//go:build !unix

package postgrestest

import "syscall"

// owner is who runs the server: this process's own user.
type owner struct{}

// findOwner: the keeper of a cluster is a shell script, so that there are no clusters here.
func findOwner() (*owner, error) { return nil, ErrMissing }

func (o *owner) attributes() *syscall.SysProcAttr { return nil }

func (o *owner) give(...string) error { return nil }
