//go:build !unix

package postgres

// stale is not known here: a connection that ended while it was idle costs one commit, which fails.
func (c *conn) stale() bool { return false }
