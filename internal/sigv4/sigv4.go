// Package sigv4 signs requests with AWS Signature Version 4 and says who signed the ones it receives, in the
// Authorization header or as a presigned query.
//
// What it guarantees: a nil error from [Verifier.Verify] means that the method, the target, the host, every x-amz-*
// header, every header the signer named and the very bytes of the body were signed with the secret of the returned
// identity's access key, for this service, within the allowed time. The body is always hashed here; a hash the client
// claims is only ever compared. The identity is what the record of the key says, never what the message says. An
// access key nobody knows and a wrong secret take the same path and the same work.
//
// Two differences between real signers are accepted, since each binds the same bytes: dot segments and doubled slashes
// in the path may be removed before signing (AWS's documentation, botocore, JavaScript) or not (Go).
//
// It is called once per signed request by whoever answers AWS-shaped requests, and knows nothing of any service.
// Sources: "Create a signed AWS API request" in the IAM User Guide; "Troubleshoot Signature Version 4" there for the
// refusals.
package sigv4

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Lookup's sentinel errors; Verify turns them into an *Error with AWS's code.
var (
	ErrUnknownKey = errors.New("sigv4: unknown access key")  // UnrecognizedClientException / InvalidClientTokenId
	ErrDisabled   = errors.New("sigv4: access key inactive") // the same to the client
	ErrBadSession = errors.New("sigv4: session token wrong") // the same to the client
	ErrExpired    = errors.New("sigv4: session has expired") // ExpiredTokenException / ExpiredToken
)

// Credential is the record of one access key.
type Credential struct {
	AccessKeyID     string
	SecretAccessKey string
	// Version changes when the secret does; part of the derived-key cache's key.
	Version string
	// Principal is handed through to Identity.
	Principal any
}

// Identity is who signed.
type Identity struct {
	AccessKeyID, Region, Service string
	SignedAt                     time.Time
	Presigned                    bool
	Principal                    any
}

// Verifier verifies requests. Safe for concurrent use; not to be copied after first use.
type Verifier struct {
	// Lookup finds a key's record. With any of the sentinel errors Verify still does the whole computation with a dummy
	// key, so that time tells nothing. Any other error is the server's own fault and comes back from Verify wrapped,
	// not as an *Error. It must refuse a session token that does not belong to the key, a session key without its
	// token and a long-term key with one.
	Lookup func(ctx context.Context, accessKeyID, sessionToken string) (Credential, error)
	// Regions accepted in the credential scope; empty = any well-formed region.
	Regions []string
	// Now is the wall clock; time.Now if nil. Skew allowed is 5 minutes either way.
	Now func() time.Time

	keys      keyCache
	canonical sync.Pool // of *[]byte, for canonical requests

	dummyOnce sync.Once
	dummy     Credential // of no one; random, never leaves
	dummyKey  signingKey // stands in where no derived key is cached

	derivations atomic.Uint64 // signing keys derived
	warm        atomic.Uint64 // signatures that a cached key has proved
}

// Verify checks r, whose body has been read into body, against the signing name service. Every refusal is an *Error;
// any other error is a fault of Lookup.
//
// The checks that need only the message come first, so that their answer says nothing about the key.
func (v *Verifier) Verify(ctx context.Context, r *http.Request, body []byte, service string) (Identity, error) {
	target, err := parseTarget(r)
	if err != nil {
		return Identity{}, err
	}
	var c claim
	if err := c.read(r, target); err != nil {
		return Identity{}, err
	}
	if err := c.scope.check(service, c.timestamp, v.Regions); err != nil {
		return Identity{}, err
	}
	if err := c.checkTime(v.now()); err != nil {
		return Identity{}, err
	}
	var m message
	if err := m.read(r, target, &c, body); err != nil {
		return Identity{}, err
	}
	cred, refusal, err := v.lookup(ctx, &c)
	if err != nil {
		return Identity{}, err
	}
	matched, digest := v.match(&m, &c, cred, refusal == nil)
	if refusal == nil && !matched {
		refusal = errMismatch(fmt.Sprintf("signature mismatch; canonical request sha256 %x", digest))
	}
	if refusal != nil {
		refusal.AccessKeyID = c.accessKeyID
		return Identity{}, refusal
	}
	return Identity{
		AccessKeyID: cred.AccessKeyID,
		Region:      c.scope.region,
		Service:     c.scope.service,
		SignedAt:    c.signedAt,
		Presigned:   c.presigned,
		Principal:   cred.Principal,
	}, nil
}

// Stats is what a Verifier has counted. A request that is refused before its key matters is in neither count.
type Stats struct {
	// Cached are signatures proved with a derived key from memory, and Derived the keys derived for others, refused ones among them.
	Cached, Derived uint64
	// Keys are the derived keys in memory now.
	Keys int
}

// Stats is a reading of the counts.
func (v *Verifier) Stats() Stats {
	v.keys.mu.RLock()
	defer v.keys.mu.RUnlock()
	return Stats{Cached: v.warm.Load(), Derived: v.derivations.Load(), Keys: len(v.keys.keys)}
}

// Forget drops the derived keys of an access key at once. Correctness does not hang on it, since Lookup is asked for
// every request and a cached key is used only with the secret it was derived from; it keeps dead keys out of memory.
func (v *Verifier) Forget(accessKeyID string) { v.keys.forget(accessKeyID) }

func (v *Verifier) now() time.Time {
	if v.Now == nil {
		return time.Now()
	}
	return v.Now()
}

// lookup asks for the record of the claimed key. Where there is none to trust it returns the dummy credential and the
// refusal to give once the computation is done.
func (v *Verifier) lookup(ctx context.Context, c *claim) (cred Credential, refusal *Error, err error) {
	v.dummyOnce.Do(v.makeDummy)
	cred, err = v.Lookup(ctx, c.accessKeyID, c.sessionToken)
	switch {
	case errors.Is(err, ErrUnknownKey), errors.Is(err, ErrDisabled), errors.Is(err, ErrBadSession):
		return v.dummy, errUnrecognized(err.Error()), nil
	case errors.Is(err, ErrExpired):
		return v.dummy, errExpired(err.Error()), nil
	case err != nil:
		return v.dummy, nil, fmt.Errorf("sigv4: access key lookup: %w", err)
	case cred.SecretAccessKey == "":
		return v.dummy, errUnrecognized("the access key's record holds no secret"), nil
	case cred.AccessKeyID != c.accessKeyID:
		return v.dummy, errUnrecognized("the access key's record is another key's"), nil
	}
	return cred, nil, nil
}

// makeDummy gives the dummy secret the length of AWS's real ones.
func (v *Verifier) makeDummy() {
	v.dummy.SecretAccessKey = (rand.Text() + rand.Text())[:40]
	_, _ = rand.Read(v.dummyKey[:]) // never fails: crypto/rand
}

// match reports whether the claimed signature is the credential's, and the SHA-256 of the canonical request for the
// audit.
//
// Whatever fails has done the same: one comparison with the cached key or its stand-in, one derivation, one more
// comparison. So the time of a refusal tells neither whether the key exists nor whether it is in use.
func (v *Verifier) match(m *message, c *claim, cred Credential, known bool) (bool, [32]byte) {
	forms := v.stringsToSign(m, c)
	key, warm := v.keys.get(cred, c.scope)
	if !warm {
		key = v.dummyKey
	}
	if forms.signedWith(&key, &c.signature) && warm && known {
		v.warm.Add(1)
		return true, forms.digest
	}
	v.derivations.Add(1)
	key = deriveKey(cred.SecretAccessKey, c.scope)
	if !forms.signedWith(&key, &c.signature) || !known {
		return false, forms.digest
	}
	v.keys.put(cred, c.scope, key)
	return true, forms.digest
}

// stringsToSign renders the canonical request as AWS documents it, and as Go's SDK does where that differs.
func (v *Verifier) stringsToSign(m *message, c *claim) forms {
	buf, _ := v.canonical.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	defer v.canonical.Put(buf)
	path := normalizePath(m.path)
	var f forms
	*buf = m.appendCanonical((*buf)[:0], path)
	f.digest = f.add(*buf, c.timestamp, c.scope)
	if path != m.path {
		*buf = m.appendCanonical((*buf)[:0], m.path)
		f.add(*buf, c.timestamp, c.scope)
	}
	return f
}

// allowed reports whether regions, where given, hold region.
func allowed(regions []string, region string) bool {
	return len(regions) == 0 || slices.Contains(regions, region)
}
