package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// lab is what all measurements share: the folder, the bare server and the trusted token issuer.
type lab struct {
	settings
	folder string
	bare   *child
	issuer *issuer
}

func newLab(s settings, folder string) (l *lab, err error) {
	l = &lab{settings: s, folder: folder}
	if l.issuer, err = startIssuer(); err != nil {
		return nil, err
	}
	l.bare, err = startChild(childConfig{Kind: bareServer})
	return l, err
}

func (l *lab) close() { l.bare.close() }

// serve starts a Symbolon server in a folder of its own, which is made, with an organization of so many users, if any.
func (l *lab) serve(name string, users int, c childConfig) (*child, childConfig, error) {
	c.Folder, c.Issuer = filepath.Join(l.folder, name), l.issuer.url
	if err := os.MkdirAll(c.Folder, 0o700); err != nil {
		return nil, c, err
	}
	if c.Database != "" { // the nodes of a database share a key, so that none makes one by itself
		if err := writeMasterKey(filepath.Join(c.Folder, "data")); err != nil {
			return nil, c, err
		}
	}
	if users > 0 {
		c.Organization = filepath.Join(c.Folder, "organization.yaml")
		if err := os.WriteFile(c.Organization, organization(users, signers, l.issuer.url), 0o600); err != nil {
			return nil, c, err
		}
	}
	server, err := startChild(c)
	return server, c, err
}

func writeMasterKey(folder string) error {
	key := make([]byte, 32)
	rand.Read(key)
	err := os.MkdirAll(folder, 0o700)
	return errors.Join(err, os.WriteFile(filepath.Join(folder, "master.key"), []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
}

// newWorld applies the organization, and starts the server once more: what it is measured with then is not the application's.
func (l *lab) newWorld(ctx context.Context, store string, database *postgrestest.Cluster) (*world, error) {
	c := childConfig{Kind: symbolonServer}
	if database != nil {
		url, err := database.NewDatabase()
		if err != nil {
			return nil, err
		}
		c.Database = url
	}
	applier, c, err := l.serve("world"+store, l.users, c)
	if err != nil {
		return nil, err
	}
	applier.close()
	w := &world{lab: l, store: store, database: database, apps: map[string]string{}}
	c.Organization = ""
	if database == nil {
		c.Profile = l.profile
	}
	w.config = c
	if w.symbolon, err = startChild(c); err != nil {
		return nil, err
	}
	if err := w.build(ctx); err != nil {
		w.symbolon.close()
		return nil, err
	}
	return w, nil
}
