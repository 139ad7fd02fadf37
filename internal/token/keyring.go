package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// KeyringOptions of OpenKeyring.
type KeyringOptions struct {
	MasterKey []byte // 32 bytes
	Now       func() time.Time
	Log       *slog.Logger
	// PublishLead is how long a new signing key stands in the JWKS before its first use; 0 = 15 minutes. The very first key is used at once.
	PublishLead time.Duration
	// Rotation is the age at which a key is replaced; 0 = 90 days.
	Rotation time.Duration
}

// Keyring holds the keys, from rows of the cached table token_keys, sealed under the store key (AES-256-GCM, the row's identity as AAD),
// which is a row of its own sealed under the master key. Each key has created-at, first-use and retire times; a refresh MAC key retires only after the longest family life.
// It works from a snapshot of those rows that is at most a second old, and replaces keys of age by itself.
type Keyring struct {
	db       *store.DB
	master   masterKey
	now      func() time.Time
	log      *slog.Logger
	lead     time.Duration
	rotation time.Duration
	unknown  inquiry

	snap      atomic.Pointer[snapshot]
	loading   sync.Mutex    // held while reading the rows
	read      attempt       // the last one to read them when they were no longer fresh; guarded by loading
	withdrawn atomic.Bool   // the store has no wrap for the master key any more
	making    sync.Mutex    // held while making the first RS256 key
	rotating  atomic.Bool   // a background rotation is under way
	tried     atomic.Int64  // when it last started, in Unix seconds of the keyring's clock
	rsaSlots  chan struct{} // an RSA signature takes 1.4 ms of CPU: no more at once than there are CPUs
}

// snapshot is what the rows said at one moment. It is immutable.
type snapshot struct {
	loaded   time.Time // by the process's monotonic clock, whatever the keyring's clock says
	asOf     time.Time // likewise: what was acknowledged before is in it; a store's memory may be a second older than its reading
	rows     []keyRow
	epoch    epochRow
	keys     map[Purpose][]heldKey // by first use, oldest first
	byHeader map[string]heldKey    // signing keys by their encoded at+jwt header
	jwks     []byte
	etag     string
}

// attempt is one at asking the database. Those who were waiting when it began share its outcome: with an attempt for each, one behind the
// other, the last of many would wait for all of them while the database hangs.
type attempt struct {
	began time.Time
	err   error
}

// A snapshot loaded less than fresh ago is used as it is; then one caller renews it while the others still use it; when what it says is
// stale everyone waits for the new one. A change on this node renews it at once.
const (
	fresh = 200 * time.Millisecond
	stale = 800 * time.Millisecond
)

func (s *snapshot) usable() bool { return time.Since(s.asOf) < stale }

func (s *snapshot) fresh() bool { return time.Since(s.loaded) < fresh && s.usable() }

// OpenKeyring loads the keys, making the missing ones (race-free across nodes). A wrong master key is ErrMasterKey.
func OpenKeyring(ctx context.Context, db *store.DB, o KeyringOptions) (*Keyring, error) {
	master, err := newMasterKey(o.MasterKey)
	if err != nil {
		return nil, err
	}
	k := &Keyring{
		db: db, master: master, now: o.Now, log: o.Log,
		lead:     orDefault(o.PublishLead, 15*time.Minute),
		rotation: orDefault(o.Rotation, 90*24*time.Hour),
		rsaSlots: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	if k.now == nil {
		k.now = time.Now
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	if err := k.makeFirst(ctx); err != nil {
		return nil, err
	}
	if err := k.reload(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// makeFirst makes what is missing: the store key, keys and the epoch row. Cached tables make the transaction serializable, so two
// nodes that start at once cannot both make them. A store whose rows do not open is left alone.
func (k *Keyring) makeFirst(ctx context.Context) error {
	complete := false
	err := k.db.View(ctx, func(tx *store.Tx) error {
		s, err := k.storeKey(tx)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		defer s.forget()
		missing, err := missing(tx, s)
		if err != nil {
			return err
		}
		_, err = epochTable.Get(tx, epochKey)
		complete = err == nil && len(missing) == 0
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	})
	if err != nil || complete {
		return err
	}
	return k.db.Update(ctx, k.insertMissing)
}

func (k *Keyring) insertMissing(tx *store.Tx) error {
	s, err := k.storeKey(tx)
	if errors.Is(err, store.ErrNotFound) {
		s, err = k.firstStoreKey(tx)
	}
	if err != nil {
		return err
	}
	defer s.forget()
	missing, err := missing(tx, s)
	if err != nil {
		return err
	}
	for _, p := range missing {
		id, material, err := newKeyMaterial(p)
		if err != nil {
			return err
		}
		if _, err := insertKey(tx, s, keyRow{ID: id, Purpose: string(p), FirstUse: tx.Now()}, material); err != nil {
			return err
		}
		clear(material)
	}
	return insertFirstEpoch(tx)
}

// missing lists the purposes that have no key; it opens those that are there, so that nothing is added beside damaged ones.
func missing(tx *store.Tx, s *storeKey) ([]Purpose, error) {
	rows, err := liveKeys(tx)
	if err != nil {
		return nil, err
	}
	have := map[Purpose]bool{}
	for _, r := range rows {
		if _, err := s.open(r); err != nil {
			return nil, err
		}
		have[Purpose(r.Purpose)] = true
	}
	var missing []Purpose
	for _, p := range firstPurposes {
		if !have[p] {
			missing = append(missing, p)
		}
	}
	return missing, nil
}

// insertKey adds a key as the row describes it, created now.
func insertKey(tx *store.Tx, s *storeKey, r keyRow, material []byte) (keyRow, error) {
	r.CreatedAt = tx.Now()
	s.seal(&r, material)
	return r, keyTable.Insert(tx, r)
}

// identity is the additional data a key is sealed with: a row whose id or purpose was changed does not open.
func (r keyRow) identity() []byte { return cell("token_keys", r.ID+"|"+r.Purpose, "sealed") }

// current is the snapshot to work with. It reads the store only when the snapshot is no longer fresh.
func (k *Keyring) current() (*snapshot, error) {
	s := k.snap.Load()
	if s.fresh() {
		return s, nil
	}
	usable, arrived := s.usable(), time.Now()
	if !usable {
		k.loading.Lock()
	} else if !k.loading.TryLock() {
		return s, nil
	}
	defer k.loading.Unlock()
	if s = k.snap.Load(); s.fresh() {
		return s, nil
	}
	if !k.read.began.After(arrived) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		k.read.began = time.Now()
		k.read.err = k.load(ctx)
	}
	if err := k.read.err; err != nil {
		if usable {
			return s, nil
		}
		return nil, fmt.Errorf("token: keys cannot be read: %w", err)
	}
	k.rotateAged()
	return k.snap.Load(), nil
}

// reload renews the snapshot after a change of our own.
func (k *Keyring) reload(ctx context.Context) error {
	k.loading.Lock()
	defer k.loading.Unlock()
	return k.load(ctx)
}

// load reads the rows into a new snapshot, keeping the keys already parsed. The caller holds k.loading.
func (k *Keyring) load(ctx context.Context) error {
	next := &snapshot{loaded: time.Now()}
	next.asOf = next.loaded
	if lag := k.db.Lag(); lag < time.Second { // or else the store reads through
		next.asOf = next.loaded.Add(-lag)
	}
	var wraps []wrapRow
	err := k.db.View(ctx, func(tx *store.Tx) (err error) {
		if next.rows, err = liveKeys(tx); err != nil {
			return err
		}
		if wraps, err = listWraps(tx); err != nil {
			return err
		}
		next.epoch, err = epochTable.Get(tx, epochKey)
		return err
	})
	if err != nil {
		return err
	}
	k.noticeWithdrawal(wraps)
	old := k.snap.Load()
	if old != nil && old.epoch == next.epoch && slices.EqualFunc(old.rows, next.rows, sameRow) {
		same := *old
		same.loaded, same.asOf = next.loaded, next.asOf
		k.snap.Store(&same)
		return nil
	}
	if err := k.build(next, old, wraps); err != nil {
		return err
	}
	k.snap.Store(next)
	return nil
}

func sameRow(a, b keyRow) bool {
	return a.ID == b.ID && a.Purpose == b.Purpose && a.FirstUse.Equal(b.FirstUse) && a.RetireAt.Equal(b.RetireAt)
}

// build opens the rows that are new in a snapshot and indexes all.
func (k *Keyring) build(next, old *snapshot, wraps []wrapRow) error {
	var s *storeKey
	next.keys = map[Purpose][]heldKey{}
	next.byHeader = map[string]heldKey{}
	for _, r := range next.rows {
		opened := old.find(Purpose(r.Purpose), r.ID)
		if opened == nil {
			var err error
			if s == nil {
				if s, err = k.master.unwrap(wraps); err != nil {
					return err
				}
				defer s.forget()
			}
			if opened, err = s.open(r); err != nil {
				return err
			}
		}
		h := heldKey{key: opened, firstUse: r.FirstUse, retireAt: r.RetireAt}
		next.keys[h.purpose] = append(next.keys[h.purpose], h)
		if h.purpose.signs() {
			next.byHeader[h.headers[typAccessToken]] = h
		}
	}
	for _, list := range next.keys {
		slices.SortStableFunc(list, func(a, b heldKey) int { return a.firstUse.Compare(b.firstUse) })
	}
	next.jwks, next.etag = encodeKeySet(slices.Concat(next.keys[SigningES256], next.keys[SigningRS256]))
	return nil
}

// find returns the key with that id, or nil.
func (s *snapshot) find(p Purpose, id string) *key {
	if s == nil {
		return nil
	}
	for _, h := range s.keys[p] {
		if h.id == id {
			return h.key
		}
	}
	return nil
}
