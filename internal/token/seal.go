package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// ErrSealed says that sealed bytes do not open: altered, of another row or column, or under another key.
var ErrSealed = errors.New("token: sealed value does not open")

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// cell is the identity of a stored value, for additional data: no two different (table, row, column) give the same bytes.
func cell(table, row, column string) []byte {
	return packer(nil).text(table).text(row).text(column)
}

// sealRandom appends nonce and ciphertext to dst. The nonce is random, so one key may seal 2^32 values: enough for keys
// and stored secrets, not for tokens (those use sealOnce).
func sealRandom(aead cipher.AEAD, dst, plaintext, aad []byte) []byte {
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	return aead.Seal(append(dst, nonce...), nonce, plaintext, aad)
}

func openRandom(aead cipher.AEAD, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < aead.NonceSize()+aead.Overhead() {
		return nil, ErrSealed
	}
	n := aead.NonceSize()
	plaintext, err := aead.Open(nil, sealed[:n], sealed[n:], aad)
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}

const (
	saltLen      = 16
	dataVersion  = 1
	sealOverhead = saltLen + 16 // salt and tag of sealOnce
)

var onceLabel = []byte("symbolon seal once\x00")

// once is the AEAD for one message: its key is HMAC(secret, label, random salt), so that the number of tokens under one
// row's key is not bounded by GCM's 96-bit nonce, which is then constant.
func (k *key) once(salt []byte) cipher.AEAD {
	sub := k.mac(onceLabel, salt)
	aead, err := newGCM(sub[:])
	if err != nil {
		panic(err) // a 32-byte key always works
	}
	return aead
}

var zeroNonce [12]byte

// sealOnce appends salt and ciphertext to dst.
func (k *key) sealOnce(dst, plaintext, aad []byte) []byte {
	var salt [saltLen]byte
	rand.Read(salt[:])
	return k.once(salt[:]).Seal(append(dst, salt[:]...), zeroNonce[:], plaintext, aad)
}

func (k *key) openOnce(sealed, aad []byte) ([]byte, error) {
	if len(sealed) < sealOverhead {
		return nil, ErrSealed
	}
	plaintext, err := k.once(sealed[:saltLen]).Open(nil, zeroNonce[:], sealed[saltLen:], aad)
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}

// Seal encrypts a recoverable secret for the row and column it will stand in; Open of another row's ciphertext fails
// with ErrSealed. It is sealed under a data key that is itself a row, so that re-wrapping under a new master key does
// not touch it.
func (k *Keyring) Seal(table, row, column string, plaintext []byte) ([]byte, error) {
	data, err := k.use(Data)
	if err != nil {
		return nil, err
	}
	sealed := append([]byte{dataVersion}, data.short[:]...)
	return sealRandom(data.aead, sealed, plaintext, cell(table, row, column)), nil
}

// Open decrypts what Seal made for exactly this table, row and column.
func (k *Keyring) Open(table, row, column string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+shortIDLen || sealed[0] != dataVersion {
		return nil, ErrSealed
	}
	data, err := k.useShort(Data, sealed[1:1+shortIDLen])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return openRandom(data.aead, sealed[1+shortIDLen:], cell(table, row, column))
}
