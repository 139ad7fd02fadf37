package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"sync"
)

// signingKey is the key derived from a secret for one day, region and service.
type signingKey [sha256.Size]byte

// deriveKey is AWS's chain of HMACs from the secret to the signing key.
func deriveKey(secret string, s scope) (key signingKey) {
	sum := mac([]byte("AWS4"+secret), s.date)
	sum = mac(sum, s.region)
	sum = mac(sum, s.service)
	copy(key[:], mac(sum, terminator))
	return key
}

// maxMAC is the longest text whose MAC costs no allocation; every string to sign is shorter.
const maxMAC = 320

func mac(key []byte, data string) []byte {
	sum := hmacSHA256(key, data)
	return sum[:]
}

// hmacSHA256 is RFC 2104 §2. It stands here because crypto/hmac puts its state on the heap for every MAC, and every request
// has one.
func hmacSHA256(key []byte, data string) [sha256.Size]byte {
	if len(key) > sha256.BlockSize {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	var inner [sha256.BlockSize + maxMAC]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, b := range key {
		inner[i] ^= b
		outer[i] ^= b
	}
	sum := sha256.Sum256(append(inner[:sha256.BlockSize], data...))
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}

// forms are the strings to sign that one request may stand for: one, or two where signers differ over its path.
type forms struct {
	text   [2]string
	digest [sha256.Size]byte // of the first canonical request
}

// add appends the string to sign of a canonical request and returns that request's digest.
func (f *forms) add(canonical []byte, timestamp string, s scope) [sha256.Size]byte {
	digest := sha256.Sum256(canonical)
	var buf [256]byte
	b := append(buf[:0], algorithm...)
	b = append(b, '\n')
	b = append(b, timestamp...)
	b = append(b, '\n')
	b = append(b, s.date...)
	b = append(b, '/')
	b = append(b, s.region...)
	b = append(b, '/')
	b = append(b, s.service...)
	b = append(b, "/"+terminator+"\n"...)
	b = hex.AppendEncode(b, digest[:])
	if f.text[0] == "" {
		f.text[0] = string(b)
	} else {
		f.text[1] = string(b)
	}
	return digest
}

// signedWith compares the signature with that of each form, all of them whatever the outcome.
func (f *forms) signedWith(key *signingKey, signature *[32]byte) bool {
	matches := 0
	for _, text := range f.text {
		if text != "" {
			matches |= subtle.ConstantTimeCompare(mac(key[:], text), signature[:])
		}
	}
	return matches == 1
}

// maxKeys bounds the derived keys held: some 4 MB. Only proven signers get in, so strangers cannot push them out.
const maxKeys = 16384

// keyCache holds derived signing keys. The zero value is ready.
type keyCache struct {
	mu   sync.RWMutex
	keys map[keyID]cachedKey
}

type keyID struct {
	accessKeyID, version  string
	date, region, service string
}

// cachedKey remembers the secret too, so that a record whose Version was not raised cannot revive an old secret.
type cachedKey struct {
	secret string
	key    signingKey
}

func cacheID(cred Credential, s scope) keyID {
	return keyID{cred.AccessKeyID, cred.Version, s.date, s.region, s.service}
}

func (k *keyCache) get(cred Credential, s scope) (signingKey, bool) {
	k.mu.RLock()
	c := k.keys[cacheID(cred, s)]
	k.mu.RUnlock()
	return c.key, subtle.ConstantTimeCompare([]byte(c.secret), []byte(cred.SecretAccessKey)) == 1
}

// put adds a key, at the price of any other when full.
func (k *keyCache) put(cred Credential, s scope, key signingKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		k.keys = make(map[keyID]cachedKey)
	}
	for id := range k.keys {
		if len(k.keys) < maxKeys {
			break
		}
		delete(k.keys, id)
	}
	k.keys[cacheID(cred, s)] = cachedKey{cred.SecretAccessKey, key}
}

func (k *keyCache) forget(accessKeyID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id := range k.keys {
		if id.accessKeyID == accessKeyID {
			delete(k.keys, id)
		}
	}
}
