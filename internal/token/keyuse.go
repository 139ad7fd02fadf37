package token

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// errNoKey says that no live key has the id asked for.
var errNoKey = errors.New("token: no such key")

// Secret is the current symmetric key of a purpose with its id; SecretByID an older one that is still alive.
func (k *Keyring) Secret(p Purpose) (id string, key []byte, err error) {
	if p.signs() {
		return "", nil, fmt.Errorf("token: %s has no secret", p)
	}
	h, err := k.use(p)
	if err != nil {
		return "", nil, err
	}
	return h.id, h.secret, nil
}

// SecretByID is the key of that purpose with that id, current or older, while it is alive.
func (k *Keyring) SecretByID(p Purpose, id string) (key []byte, err error) {
	if p.signs() {
		return nil, fmt.Errorf("token: %s has no secret", p)
	}
	h, err := k.useID(p, id)
	if err != nil {
		return nil, err
	}
	return h.secret, nil
}

// Secrets are all live symmetric keys of a purpose, the current one first.
func (k *Keyring) Secrets(p Purpose) (keys [][]byte, err error) {
	id, current, err := k.Secret(p)
	if err != nil {
		return nil, err
	}
	keys = append(keys, current)
	for _, h := range k.snap.Load().keys[p] {
		if h.alive(k.now()) && h.id != id {
			keys = append(keys, h.secret)
		}
	}
	return keys, nil
}

// use is the key to make new things with: the newest whose first use has come.
func (k *Keyring) use(p Purpose) (heldKey, error) {
	s, err := k.current()
	if err != nil {
		return heldKey{}, err
	}
	return s.use(p, k.now())
}

func (s *snapshot) use(p Purpose, now time.Time) (heldKey, error) {
	list := s.keys[p]
	for i := len(list) - 1; i >= 0; i-- {
		// A clock set back before the oldest key's first use still finds a key.
		if i == 0 || !list[i].firstUse.After(now) {
			return list[i], nil
		}
	}
	return heldKey{}, fmt.Errorf("%w: none for %s", errNoKey, p)
}

// useID is the live key with that id, to verify or open with.
func (k *Keyring) useID(p Purpose, id string) (heldKey, error) {
	return k.useWhere(p, func(h heldKey) bool { return h.id == id })
}

// useShort is useID by the raw id that tokens carry.
func (k *Keyring) useShort(p Purpose, raw []byte) (heldKey, error) {
	return k.useWhere(p, func(h heldKey) bool { return bytes.Equal(h.short[:], raw) })
}

func (k *Keyring) useWhere(p Purpose, match func(heldKey) bool) (heldKey, error) {
	s, err := k.current()
	for asked := false; err == nil; asked = true {
		for _, h := range s.keys[p] {
			if match(h) && h.alive(k.now()) {
				return h, nil
			}
		}
		if asked || !k.db.Shared() {
			return heldKey{}, errNoKey
		}
		s, err = k.inquire()
	}
	return heldKey{}, err
}

// useSigner is the current signing key of an algorithm. The first RS256 key is made when it is first asked for.
func (k *Keyring) useSigner(alg Algorithm) (heldKey, error) {
	p, err := alg.purpose()
	if err != nil {
		return heldKey{}, err
	}
	h, err := k.use(p)
	if !errors.Is(err, errNoKey) {
		return h, err
	}
	if err := k.awaitSigner(p); err != nil {
		return heldKey{}, err
	}
	return k.use(p)
}

// Prepare makes the first key of an algorithm, so that it is published before anything is signed with it.
func (k *Keyring) Prepare(alg Algorithm) error {
	_, err := k.useSigner(alg)
	return err
}

// awaitSigner has the first key of a signing purpose made in a goroutine of its own and waits for it with a bound: a
// caller inside a store transaction may hold what the making needs, and must give way rather than wait for ever.
func (k *Keyring) awaitSigner(p Purpose) error {
	const patience = 10 * time.Second
	made := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		k.making.Lock()
		defer k.making.Unlock()
		made <- k.makeSigner(ctx, p)
	}()
	select {
	case err := <-made:
		return err
	case <-time.After(patience):
		return fmt.Errorf("token: the first %s key was not made within %s", p, patience)
	}
}

// makeSigner makes the first key of a signing purpose unless there is one by now.
func (k *Keyring) makeSigner(ctx context.Context, p Purpose) error {
	if err := k.reload(ctx); err != nil {
		return err
	}
	if len(k.snap.Load().keys[p]) > 0 {
		return nil
	}
	id, material, err := newKeyMaterial(p)
	if err != nil {
		return err
	}
	defer clear(material)
	err = k.db.Update(ctx, func(tx *store.Tx) error {
		rows, err := keysOf(tx, p)
		if err != nil || len(rows) > 0 {
			return err
		}
		s, err := k.storeKey(tx)
		if err != nil {
			return err
		}
		defer s.forget()
		_, err = insertKey(tx, s, keyRow{ID: id, Purpose: string(p), FirstUse: tx.Now()}, material)
		return err
	})
	if err != nil {
		return err
	}
	return k.reload(ctx)
}

// liveKeys are the rows of all keys that have not been retired.
func liveKeys(tx *store.Tx) ([]keyRow, error) {
	all, err := keyTable.List(tx, store.Query{})
	return slices.DeleteFunc(all, keyRow.retired), err
}

// keysOf are the live keys of a purpose, by first use, oldest first.
func keysOf(tx *store.Tx, p Purpose) ([]keyRow, error) {
	all, err := liveKeys(tx)
	all = slices.DeleteFunc(all, func(r keyRow) bool { return Purpose(r.Purpose) != p })
	slices.SortStableFunc(all, func(a, b keyRow) int { return a.FirstUse.Compare(b.FirstUse) })
	return all, err
}
