package identitystore

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/crypto/argon2"
)

// cost are the parameters of Argon2id (RFC 9106).
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// defaultCost is what OWASP's Password Storage Cheat Sheet recommends at least.
var defaultCost = cost{memory: 19 << 10, passes: 2, threads: 1}

// maxCost bounds what a stored hash can ask for, so that a damaged row cannot exhaust the machine.
var maxCost = cost{memory: 1 << 20, passes: 32, threads: 16}

const (
	saltSize = 16
	keySize  = 32
)

// passwordChecks bounds how much hashing goes on at once. Its zero value is ready to use.
type passwordChecks struct {
	once    sync.Once
	signIns chan struct{} // whole sign-ins under way
	hashing chan struct{} // hashes under way
	cost    cost          // zero: defaultCost
}

// start makes the bounds. Sign-ins are fewer than maxFailures, so that many right ones at once cannot lock their user.
func (c *passwordChecks) start() {
	c.once.Do(func() {
		n := min(max(runtime.GOMAXPROCS(0), 2), maxFailures/2)
		c.signIns, c.hashing = make(chan struct{}, n), make(chan struct{}, n)
		if c.cost == (cost{}) {
			c.cost = defaultCost
		}
	})
}

// enter waits for a place among the sign-ins; leave gives it back.
func (c *passwordChecks) enter(ctx context.Context) (leave func(), err error) {
	c.start()
	select {
	case c.signIns <- struct{}{}:
		return func() { <-c.signIns }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("identitystore: too many sign-ins at once: %w", ctx.Err())
	}
}

// key hashes. Whoever holds a place here waits for nothing, so that callers may hold a transaction open.
func (c *passwordChecks) key(password string, salt []byte, p cost) []byte {
	c.start()
	c.hashing <- struct{}{}
	defer func() { <-c.hashing }()
	return argon2.IDKey([]byte(password), salt, p.passes, p.memory, p.threads, keySize)
}

// hash is the password's hash with a new salt, in the PHC string format.
func (c *passwordChecks) hash(password string) (string, error) {
	c.start()
	salt := make([]byte, saltSize)
	rand.Read(salt)
	key := c.key(password, salt, c.cost)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		c.cost.memory, c.cost.passes, c.cost.threads, b64(salt), b64(key)), nil
}

// verify says whether the password has the hash. With no hash nothing matches, but the work is done all the same. A
// password that is longer than any can be costs no more than the longest.
func (c *passwordChecks) verify(hash, password string) (bool, error) {
	c.start()
	tooLong := len(password) > maxPasswordIn
	if tooLong {
		password = password[:maxPasswordIn]
	}
	if hash == "" {
		c.key(password, make([]byte, saltSize), c.cost)
		return false, nil
	}
	p, salt, want, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(c.key(password, salt, p), want) == 1 && !tooLong, nil
}

var errHash = errors.New("identitystore: a stored password hash is damaged")

// parseHash reads the PHC string format of Argon2id.
func parseHash(s string) (p cost, salt, key []byte, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errHash
	}
	const costs = "m=%d,t=%d,p=%d"
	_, err = fmt.Sscanf(parts[3], costs, &p.memory, &p.passes, &p.threads)
	if err != nil || parts[3] != fmt.Sprintf(costs, p.memory, p.passes, p.threads) {
		return p, nil, nil, errHash
	}
	if p.memory < 8 || p.passes < 1 || p.threads < 1 ||
		p.memory > maxCost.memory || p.passes > maxCost.passes || p.threads > maxCost.threads {
		return p, nil, nil, errHash
	}
	salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	if err != nil || len(salt) < 8 {
		return p, nil, nil, errHash
	}
	key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err != nil || len(key) != keySize {
		return p, nil, nil, errHash
	}
	return p, salt, key, nil
}
