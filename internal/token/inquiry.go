package token

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Another node may hand out what it made with a key of which this node has not heard: the first RS256 key, or one made in an emergency.
// Before such a thing is refused the database is asked, by one call for all who wait and no more often than every inquirySpacing, so that
// made-up key ids cost neither the database nor anybody else much.
const (
	inquirySpacing = 50 * time.Millisecond
	inquiryTimeout = 2 * time.Second
)

type inquiry struct {
	mu    sync.Mutex
	began time.Time // of the last one that succeeded
}

// inquire gives a snapshot of what the database held at some moment after the call.
func (k *Keyring) inquire() (*snapshot, error) {
	arrived := time.Now()
	k.unknown.mu.Lock()
	defer k.unknown.mu.Unlock()
	if k.unknown.began.After(arrived) {
		return k.snap.Load(), nil
	}
	time.Sleep(inquirySpacing - time.Since(k.unknown.began))
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), inquiryTimeout)
	defer cancel()
	err := k.db.Sync(ctx)
	if err == nil {
		err = k.reload(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("token: whether there is such a key cannot be read: %w", err)
	}
	k.unknown.began = began
	return k.snap.Load(), nil
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
