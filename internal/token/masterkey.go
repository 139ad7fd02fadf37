package token

import (
	"context"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// MasterKeySize is the length of a master key in bytes.
const MasterKeySize = 32

// ErrMasterKey says that the master key given does not open the keys of the store.
var ErrMasterKey = errors.New("the master key does not open the keys of this store")

// Fingerprint names a master key without telling anything of it: 16 hex digits. It stands in the store, in logs and in audit events.
func Fingerprint(masterKey []byte) string {
	mac := hmac.New(sha256.New, masterKey)
	mac.Write([]byte("symbolon master key fingerprint"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// wrapRow is the store key sealed under one master key. There is one row, and a second while the master key is being changed
// (docs/design/0003-master-key.md); all rows hold the same store key.
type wrapRow struct {
	Master    string    `store:"master,key"` // its fingerprint
	StoreKey  string    `store:"store_key"`
	Sealed    []byte    `store:"sealed"`
	CreatedAt time.Time `store:"created_at"`
}

var wrapTable = store.NewTable[wrapRow](store.Spec{Name: "token_wraps", Cached: true})

// identity is the additional data of a wrap.
func (w wrapRow) identity() []byte { return cell("token_wraps", w.Master+"|"+w.StoreKey, "sealed") }

// listWraps gives the wraps, oldest first.
func listWraps(tx *store.Tx) ([]wrapRow, error) {
	wraps, err := wrapTable.List(tx, store.Query{})
	slices.SortFunc(wraps, func(a, b wrapRow) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return wraps, err
}

// MasterKeys are the fingerprints of the master keys that open the store, oldest first: one, or two while it is being changed.
func MasterKeys(tx *store.Tx) ([]string, error) {
	wraps, err := listWraps(tx)
	names := make([]string, len(wraps))
	for i, w := range wraps {
		names[i] = w.Master
	}
	return names, err
}

// masterKey seals the store key and nothing else, so that changing it rewrites one row.
type masterKey struct {
	aead        cipher.AEAD
	fingerprint string
}

func newMasterKey(raw []byte) (masterKey, error) {
	if len(raw) != MasterKeySize {
		return masterKey{}, fmt.Errorf("token: the master key has %d bytes, not %d", len(raw), MasterKeySize)
	}
	aead, err := newGCM(raw)
	return masterKey{aead, Fingerprint(raw)}, err
}

// wrap seals the store key.
func (m masterKey) wrap(s *storeKey, at time.Time) wrapRow {
	w := wrapRow{Master: m.fingerprint, StoreKey: s.id, CreatedAt: at}
	w.Sealed = sealRandom(m.aead, nil, s.raw, w.identity())
	return w
}

// unwrap opens the store key. The caller forgets it soon.
func (m masterKey) unwrap(wraps []wrapRow) (*storeKey, error) {
	var others []string
	for _, w := range wraps {
		if w.Master != m.fingerprint {
			others = append(others, w.Master)
			continue
		}
		raw, err := openRandom(m.aead, w.Sealed, w.identity())
		if err != nil {
			return nil, fmt.Errorf("token: the store key under the master key %s is damaged: %w", m.fingerprint, err)
		}
		return openStoreKey(w.StoreKey, raw)
	}
	return nil, fmt.Errorf("%w: it has the fingerprint %s, and they are sealed under %s", ErrMasterKey, m.fingerprint, strings.Join(others, " or "))
}

// storeKey seals the rows of token_keys.
type storeKey struct {
	id   string
	raw  []byte
	aead cipher.AEAD
}

func newStoreKey() (*storeKey, error) {
	var id [shortIDLen]byte
	rand.Read(id[:])
	raw := make([]byte, 32)
	rand.Read(raw)
	return openStoreKey(hex.EncodeToString(id[:]), raw)
}

func openStoreKey(id string, raw []byte) (*storeKey, error) {
	aead, err := newGCM(raw)
	return &storeKey{id, raw, aead}, err
}

// forget overwrites the key.
func (s *storeKey) forget() { clear(s.raw) }

// seal puts material into the row.
func (s *storeKey) seal(r *keyRow, material []byte) {
	r.StoreKey = s.id
	r.Sealed = sealRandom(s.aead, nil, material, r.identity())
}

// material opens what seal put into the row.
func (s *storeKey) material(r keyRow) ([]byte, error) {
	material, err := openRandom(s.aead, r.Sealed, r.identity())
	if err != nil {
		return nil, fmt.Errorf("token: the row of key %s (%s) is damaged: %w", r.ID, r.Purpose, err)
	}
	return material, nil
}

func (s *storeKey) open(r keyRow) (*key, error) {
	material, err := s.material(r)
	if err != nil {
		return nil, err
	}
	return parseKey(r.ID, Purpose(r.Purpose), material)
}

// reseal moves the rows from one store key to another.
func reseal(tx *store.Tx, rows []keyRow, material func(keyRow) ([]byte, error), to *storeKey) error {
	for _, r := range rows {
		if r.retired() {
			continue // nothing is left in it
		}
		m, err := material(r)
		if err != nil {
			return err
		}
		to.seal(&r, m)
		clear(m)
		if err := keyTable.Put(tx, r); err != nil {
			return err
		}
	}
	return nil
}

// storeKey is the store key as the transaction finds it.
func (k *Keyring) storeKey(tx *store.Tx) (*storeKey, error) {
	wraps, err := listWraps(tx)
	if err != nil {
		return nil, err
	}
	if len(wraps) == 0 {
		return nil, store.ErrNotFound
	}
	return k.master.unwrap(wraps)
}

// firstStoreKey makes the store key. Keys that are there already were sealed under the master key itself, by a program older than the
// store key: they move under it.
func (k *Keyring) firstStoreKey(tx *store.Tx) (*storeKey, error) {
	s, err := newStoreKey()
	if err != nil {
		return nil, err
	}
	rows, err := keyTable.List(tx, store.Query{})
	if err != nil {
		return nil, err
	}
	if err := reseal(tx, rows, k.underMaster, s); err != nil {
		return nil, err
	}
	return s, wrapTable.Insert(tx, k.master.wrap(s, tx.Now()))
}

func (k *Keyring) underMaster(r keyRow) ([]byte, error) {
	material, err := openRandom(k.master.aead, r.Sealed, r.identity())
	if err != nil {
		return nil, fmt.Errorf("%w: it has the fingerprint %s (key %s, %s)", ErrMasterKey, k.master.fingerprint, r.ID, r.Purpose)
	}
	return material, nil
}

// Check is an error while this node cannot go on making and verifying: its keys cannot be read, or its master key was withdrawn, so that it
// will not be able to open the next key.
func (k *Keyring) Check(context.Context) error {
	if _, err := k.current(); err != nil {
		return err
	}
	if k.withdrawn.Load() {
		return fmt.Errorf("%w any more: it has the fingerprint %s", ErrMasterKey, k.master.fingerprint)
	}
	return nil
}

// noticeWithdrawal logs, once, that this node's master key was replaced and the change finished without it. It goes on with the keys it
// has opened, and cannot open those made from now on.
func (k *Keyring) noticeWithdrawal(wraps []wrapRow) {
	gone := !slices.ContainsFunc(wraps, func(w wrapRow) bool { return w.Master == k.master.fingerprint })
	if k.withdrawn.Swap(gone) != gone && gone {
		k.log.Error("the master key of this node was withdrawn; restart the node with the new one", "fingerprint", k.master.fingerprint)
	}
}
