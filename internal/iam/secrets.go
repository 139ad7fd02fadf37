package iam

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"sync"
)

// maxSecrets bounds the cache of opened secrets; at the bound it starts anew.
const maxSecrets = 10_000

// secretCache remembers opened secrets by key id, each good only for the sealed bytes it was opened from: a changed secret is opened
// again at once, and nothing has to be told.
type secretCache struct {
	mu     sync.RWMutex
	opened map[string]openedSecret
}

type openedSecret struct {
	sealed  []byte
	secret  string
	version string // of the sealed bytes: part of the key of what is derived from the secret
}

func (c *secretCache) get(id string, sealed []byte) (openedSecret, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	o, ok := c.opened[id]
	return o, ok && bytes.Equal(o.sealed, sealed)
}

func (c *secretCache) put(id string, o openedSecret) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened == nil || len(c.opened) >= maxSecrets {
		c.opened = make(map[string]openedSecret)
	}
	c.opened[id] = o
}

// Secret opens a key's secret.
func (s *Server) Secret(k AccessKey) (string, error) {
	o, err := s.open(k)
	return o.secret, err
}

func (s *Server) open(k AccessKey) (openedSecret, error) {
	if o, ok := s.secrets.get(k.ID, k.Secret); ok {
		return o, nil
	}
	plain, err := s.Keys.Open(accessKeyTable, k.ID, accessKeySecret, k.Secret)
	if err != nil {
		return openedSecret{}, err
	}
	o := openedSecret{sealed: bytes.Clone(k.Secret), secret: string(plain), version: digest(k.Secret)}
	s.secrets.put(k.ID, o)
	return o, nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
