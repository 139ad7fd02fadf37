package token

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Another node may hand out what it made with a key of which this node has not heard: the first RS256 key, or one made in an emergency.
// Before such a thing is refused the database is asked, by one call for all who wait and no more often than every inquirySpacing, so that
// made-up key ids cost neither the database nor anybody else much. While it does not answer they all hear that together.
const (
	inquirySpacing = 50 * time.Millisecond
	inquiryTimeout = 2 * time.Second
)

type inquiry struct {
	mu   sync.Mutex
	last attempt
}

// inquire gives a snapshot of what the database held at some moment after the call.
func (k *Keyring) inquire() (*snapshot, error) {
	arrived := time.Now()
	k.unknown.mu.Lock()
	defer k.unknown.mu.Unlock()
	last := &k.unknown.last
	if !last.began.After(arrived) {
		time.Sleep(inquirySpacing - time.Since(last.began))
		last.began = time.Now()
		last.err = k.catchUp()
	}
	if last.err != nil {
		return nil, fmt.Errorf("token: whether there is such a key cannot be read: %w", last.err)
	}
	return k.snap.Load(), nil
}

// catchUp renews the snapshot from what the database holds now.
func (k *Keyring) catchUp() error {
	ctx, cancel := context.WithTimeout(context.Background(), inquiryTimeout)
	defer cancel()
	if err := k.db.Sync(ctx); err != nil {
		return err
	}
	return k.reload(ctx)
}

// useHeader is the live signing key whose at+jwt header this is.
func (k *Keyring) useHeader(header string) (h heldKey, ok bool, err error) {
	s, err := k.current()
	for asked := false; err == nil; asked = true {
		h, ok = s.byHeader[header]
		if ok = ok && h.alive(k.now()); ok || asked || !k.db.Shared() {
			return h, ok, nil
		}
		s, err = k.inquire()
	}
	return heldKey{}, false, err
}
