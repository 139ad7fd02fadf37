package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// KeyState is where a key stands in its life.
type KeyState string

// A key is published before its first use, current while it makes new things, retiring while what it made may still live, and retired
// once an operator ended it (Keyring.Retire). A key that ended by itself is gone.
const (
	KeyPublished KeyState = "published"
	KeyCurrent   KeyState = "current"
	KeyRetiring  KeyState = "retiring"
	KeyRetired   KeyState = "retired"
)

// KeyInfo describes a key to operators. There is nothing secret in it.
type KeyInfo struct {
	Purpose   Purpose   `json:"kind"`
	ID        string    `json:"id"`
	Algorithm string    `json:"algorithm"`
	State     KeyState  `json:"state"`
	CreatedAt time.Time `json:"createdAt"`
	FirstUse  time.Time `json:"firstUse"`
	// RetireAt is when it stops to verify, or stopped; zero while nothing replaces it.
	RetireAt time.Time `json:"retireAt,omitzero"`
}

// What Retire refuses.
var (
	ErrNoSuchKey  = errors.New("no key has this id")
	ErrKeyInUse   = errors.New("it is the current key of its kind")
	ErrKeyRetired = errors.New("the key is retired already")
	ErrDataKey    = errors.New("it is a data key, under which the secrets of access keys are sealed: they would be lost; replace the access keys instead")
)

// retiredKept is how long the record of a retired key stays for operators to see.
const retiredKept = 30 * 24 * time.Hour

// Purposes are all kinds of keys.
func Purposes() []Purpose { return append([]Purpose{SigningRS256}, firstPurposes...) }

// ParsePurpose reads the name of a kind of keys; a signing key may also be called by its algorithm.
func ParsePurpose(name string) (Purpose, error) {
	for _, p := range Purposes() {
		if name == string(p) || p.signs() && strings.EqualFold(name, string(p.algorithm())) {
			return p, nil
		}
	}
	names := make([]string, 0, len(Purposes()))
	for _, p := range Purposes() {
		names = append(names, string(p))
	}
	return "", fmt.Errorf("no kind of keys is called %q; there are %s", name, strings.Join(names, ", "))
}

// use names the algorithm that keys of this purpose are used with.
func (p Purpose) use() string {
	switch p {
	case SigningES256, SigningRS256:
		return string(p.algorithm())
	case RoleSession, ContextSeal, Data:
		return "AES-256-GCM"
	}
	return "HMAC-SHA-256"
}

// Ends says what ends when a key of this purpose is retired.
func (p Purpose) Ends() string {
	switch p {
	case SigningES256, SigningRS256:
		return "JWT access tokens and ID tokens signed with it are refused; those who verify them by a copy of the JWKS refuse them once they renew it (5 minutes)"
	case AccessMAC:
		return "opaque access tokens made with it are refused"
	case RefreshMAC:
		return "refresh token families born with it end: their users sign in again"
	case RoleSession:
		return "role credentials made with it are refused"
	case ContextSeal:
		return "identity contexts made with it are refused"
	case PagingMAC:
		return "lists that are being paged begin again"
	case BrowserMAC:
		return "forms that lie open in browsers must be loaded again"
	}
	return ""
}

// currentOf is the id of the key that makes new things: the newest whose first use has come, or else the oldest.
func currentOf(rows []keyRow, now time.Time) (id string) {
	var best keyRow
	for _, r := range rows {
		come, was := !r.FirstUse.After(now), !best.FirstUse.After(now)
		if id == "" || come && (!was || !r.FirstUse.Before(best.FirstUse)) || !come && !was && r.FirstUse.Before(best.FirstUse) {
			id, best = r.ID, r
		}
	}
	return id
}

func (r keyRow) describe(now time.Time, current string) KeyInfo {
	p := Purpose(r.Purpose)
	i := KeyInfo{Purpose: p, ID: r.ID, Algorithm: p.use(), CreatedAt: r.CreatedAt, FirstUse: r.FirstUse, RetireAt: r.RetireAt}
	switch {
	case r.retired():
		i.State, i.RetireAt = KeyRetired, r.RetiredAt
	case r.ID == current:
		i.State = KeyCurrent
	case r.FirstUse.After(now):
		i.State = KeyPublished
	default:
		i.State = KeyRetiring
	}
	return i
}

// Inventory describes all keys, by kind, oldest first.
func (k *Keyring) Inventory(ctx context.Context) ([]KeyInfo, error) {
	var infos []KeyInfo
	err := k.db.View(ctx, func(tx *store.Tx) error {
		infos = nil
		rows, err := keyTable.List(tx, store.Query{})
		if err != nil {
			return err
		}
		current := map[string]string{}
		for _, p := range Purposes() {
			live, err := keysOf(tx, p)
			if err != nil {
				return err
			}
			current[string(p)] = currentOf(live, tx.Now())
		}
		for _, r := range rows {
			infos = append(infos, r.describe(tx.Now(), current[r.Purpose]))
		}
		return nil
	})
	slices.SortFunc(infos, func(a, b KeyInfo) int {
		return cmp.Or(strings.Compare(string(a.Purpose), string(b.Purpose)), a.FirstUse.Compare(b.FirstUse))
	})
	return infos, err
}

// Retire ends a key: from now on nothing verifies or opens with it, on this node at once and on the others within a second, and it is
// not in the JWKS. Its material is destroyed; the record stays for 30 days. The current key of a kind is refused (ErrKeyInUse), unless
// force has a new one made that is current at once. Data keys are refused.
func (k *Keyring) Retire(ctx context.Context, id string, force bool) (retired KeyInfo, successor KeyInfo, err error) {
	var p Purpose
	err = k.db.View(ctx, func(tx *store.Tx) error {
		r, err := retirable(tx, id)
		p = Purpose(r.Purpose)
		return err
	})
	if err != nil {
		return KeyInfo{}, KeyInfo{}, err
	}
	nextID, material, err := newKeyMaterial(p) // outside the transaction; for a key that is not current it is not used
	if err != nil {
		return KeyInfo{}, KeyInfo{}, err
	}
	defer clear(material)
	err = k.db.Update(ctx, func(tx *store.Tx) error {
		successor = KeyInfo{}
		r, err := retirable(tx, id)
		if err != nil {
			return err
		}
		rows, err := keysOf(tx, p)
		if err != nil {
			return err
		}
		if id == currentOf(rows, tx.Now()) {
			if !force {
				return fmt.Errorf("%w (%s): rotate that kind first, or retire it by force, which replaces it at once", ErrKeyInUse, p)
			}
			next, err := k.succeed(tx, rows, keyRow{ID: nextID, Purpose: string(p), FirstUse: tx.Now()}, material)
			if err != nil {
				return err
			}
			successor = next.describe(tx.Now(), next.ID)
			if r, err = keyTable.Get(tx, id); err != nil {
				return err
			}
		}
		retired, err = destroy(tx, r)
		return err
	})
	if err != nil {
		return KeyInfo{}, KeyInfo{}, err
	}
	return retired, successor, k.reload(ctx)
}

// retirable is the row of a key that may be retired.
func retirable(tx *store.Tx, id string) (keyRow, error) {
	r, err := keyTable.Get(tx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return r, fmt.Errorf("%w: %q", ErrNoSuchKey, id)
	case err != nil:
		return r, err
	case r.retired():
		return r, fmt.Errorf("%w, since %s", ErrKeyRetired, r.RetiredAt.Format(time.RFC3339))
	case Purpose(r.Purpose) == Data:
		return r, ErrDataKey
	}
	return r, nil
}

// destroy leaves of a key its record only. A key that it was to replace lives on: the newest of a kind has no end.
func destroy(tx *store.Tx, r keyRow) (KeyInfo, error) {
	r.Sealed, r.RetiredAt, r.RetireAt = nil, tx.Now(), tx.Now().Add(retiredKept)
	if err := keyTable.Put(tx, r); err != nil {
		return KeyInfo{}, err
	}
	rest, err := keysOf(tx, Purpose(r.Purpose))
	if err != nil {
		return KeyInfo{}, err
	}
	if newest := &rest[len(rest)-1]; !newest.RetireAt.IsZero() {
		newest.RetireAt = time.Time{}
		if err := keyTable.Put(tx, *newest); err != nil {
			return KeyInfo{}, err
		}
	}
	return r.describe(tx.Now(), ""), nil
}

// NextRotation is when the newest of the keys, all of one kind, is old enough to be replaced; zero for data keys, which never are, and
// where there are none.
func (k *Keyring) NextRotation(keys []KeyInfo) time.Time {
	var newest time.Time
	for _, i := range keys {
		if i.Purpose != Data && i.State != KeyRetired && i.CreatedAt.After(newest) {
			newest = i.CreatedAt
		}
	}
	if newest.IsZero() {
		return newest
	}
	return newest.Add(k.rotation)
}
