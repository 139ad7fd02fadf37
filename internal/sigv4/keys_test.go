package sigv4

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestMAC compares with the standard library, around the lengths at which something changes.
func TestMAC(t *testing.T) {
	for _, keys := range []int{0, 1, 32, 63, 64, 65, 128, 200} {
		for _, texts := range []int{0, 1, 55, 56, 64, 137, maxMAC - 1, maxMAC, maxMAC + 1, 5000} {
			key, text := bytes.Repeat([]byte{0xa5}, keys), strings.Repeat("é", texts)[:texts]
			before := bytes.Clone(key)
			h := hmac.New(sha256.New, key)
			h.Write([]byte(text))
			if !bytes.Equal(mac(key, text), h.Sum(nil)) || !bytes.Equal(key, before) {
				t.Errorf("a key of %d bytes, a text of %d", keys, texts)
			}
		}
	}
}

// TestNoKeyOracle looks at what is done, not at a clock: whoever the claimed key is, a refusal costs one derivation
// (B04, C08), and unknown, disabled and session faults answer alike.
func TestNoKeyOracle(t *testing.T) {
	wrongSecret := example
	wrongSecret.SecretAccessKey = "wrong"
	tests := []struct {
		name   string
		answer error
		cred   Credential
		code   string
	}{
		{"wrong secret", nil, example, codeMismatch},
		{"unknown", fmt.Errorf("iam: %w", ErrUnknownKey), Credential{}, codeUnrecognized},
		{"disabled", ErrDisabled, example, codeUnrecognized},
		{"bad session", ErrBadSession, example, codeUnrecognized},
		{"expired", ErrExpired, example, codeExpired},
		{"record without secret", nil, Credential{AccessKeyID: "AKIDEXAMPLE"}, codeUnrecognized},
		{"record of another key", nil, Credential{AccessKeyID: "OTHER", SecretAccessKey: "wrong"}, codeUnrecognized},
	}
	for place, sign := range places {
		for _, tt := range tests {
			for _, warm := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/warm=%t", place, tt.name, warm), func(t *testing.T) {
					v := newVerifier()
					if warm {
						r := post(t, "/", "{}")
						sign(r, "{}", example, "", "sts", "us-east-1", exampleTime)
						if _, err := v.Verify(t.Context(), r, []byte("{}"), "sts"); err != nil {
							t.Fatal(err)
						}
					}
					before := v.derivations.Load()
					v.Lookup = func(context.Context, string, string) (Credential, error) { return tt.cred, tt.answer }
					r := post(t, "/", "{}")
					sign(r, "{}", wrongSecret, "", "sts", "us-east-1", exampleTime)
					id, err := v.Verify(t.Context(), r, []byte("{}"), "sts")
					refused(t, err, tt.code)
					if id != (Identity{}) {
						t.Errorf("a refusal came with %+v", id)
					}
					if n := v.derivations.Load() - before; n != 1 {
						t.Errorf("%d derivations, want 1", n)
					}
				})
			}
		}
	}
}

// Even a right signature does not help a key that Lookup refuses, nor does a cached key outlive its secret (C14).
func TestCachedKeyIsNoPass(t *testing.T) {
	v := newVerifier()
	verify := func() error {
		r := post(t, "/", "{}")
		Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
		_, err := v.Verify(t.Context(), r, []byte("{}"), "sts")
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	v.Lookup = func(context.Context, string, string) (Credential, error) { return example, ErrDisabled }
	refused(t, verify(), codeUnrecognized)

	rotated := example
	rotated.SecretAccessKey = "rotated"
	v.Lookup = knows(rotated) // its Version not raised
	refused(t, verify(), codeMismatch)
	rotated.Version = "2"
	v.Lookup = knows(rotated)
	refused(t, verify(), codeMismatch)
}

// A store that cannot answer is our fault, not the caller's, and never a pass.
func TestLookupFailure(t *testing.T) {
	down := errors.New("store down")
	v := newVerifier()
	v.Lookup = func(context.Context, string, string) (Credential, error) { return example, down }
	r := post(t, "/", "{}")
	Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
	_, err := v.Verify(t.Context(), r, []byte("{}"), "sts")
	var e *Error
	if !errors.Is(err, down) || errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

func TestKeyCache(t *testing.T) {
	var k keyCache
	s := scope{"20150830", "us-east-1", "sts", terminator}
	for i := range maxKeys + 10 {
		k.put(Credential{AccessKeyID: fmt.Sprint(i), SecretAccessKey: "s"}, s, signingKey{1})
	}
	if len(k.keys) != maxKeys {
		t.Errorf("%d keys held, want %d", len(k.keys), maxKeys)
	}
	last := Credential{AccessKeyID: fmt.Sprint(maxKeys + 9), SecretAccessKey: "s"}
	if _, ok := k.get(last, s); !ok {
		t.Fatal("the last key is not held")
	}
	k.forget(last.AccessKeyID)
	if _, ok := k.get(last, s); ok || len(k.keys) != maxKeys-1 {
		t.Error("a forgotten key is held")
	}
}
