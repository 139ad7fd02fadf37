package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// Credential is the sigv4.Verifier's Lookup: AKIA keys from records (a token with one is refused), ASIA keys from their sealed session token
// (missing, foreign, expired, revoked refused; the role must still exist). Principal is a *Caller.
func (s *Server) Credential(ctx context.Context, accessKeyID, sessionToken string) (sigv4.Credential, error) {
	if strings.HasPrefix(accessKeyID, "ASIA") {
		return s.sessionCredential(ctx, accessKeyID, sessionToken)
	}
	var key AccessKey
	var user User
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		key, user, err = keyOwner(tx, accessKeyID)
		return err
	})
	if err != nil {
		return sigv4.Credential{}, err
	}
	if sessionToken != "" {
		return sigv4.Credential{}, fmt.Errorf("%w: a long-term key has none", sigv4.ErrBadSession)
	}
	opened, err := s.open(key)
	if err != nil {
		return sigv4.Credential{}, err
	}
	caller := ofUser(user, key.ID)
	if key.UserName == "" {
		caller = ofRoot(key.AccountID, key.ID)
	}
	return sigv4.Credential{AccessKeyID: accessKeyID, SecretAccessKey: opened.secret, Version: opened.version, Principal: caller}, nil
}

// keyOwner reads a usable long-term key and the user it belongs to, now: none where it is the account's root's.
func keyOwner(tx *store.Tx, accessKeyID string) (key AccessKey, user User, err error) {
	key, err = GetAccessKey(tx, accessKeyID)
	if errors.Is(err, store.ErrNotFound) {
		return key, user, sigv4.ErrUnknownKey
	} else if err != nil {
		return key, user, err
	}
	if key.Status != Active {
		return key, user, sigv4.ErrDisabled
	}
	if ok, err := present(GetAccount(tx, key.AccountID)); err != nil {
		return key, user, err
	} else if !ok {
		return key, user, fmt.Errorf("%w: its account is gone", sigv4.ErrDisabled)
	}
	if key.UserName == "" {
		return key, user, nil
	}
	user, err = GetUser(tx, key.AccountID, key.UserName)
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%w: its user is gone", sigv4.ErrDisabled)
	}
	return key, user, err
}

// sessionCredential opens a role session's token and finds the live role behind it.
func (s *Server) sessionCredential(ctx context.Context, accessKeyID, sessionToken string) (sigv4.Credential, error) {
	if sessionToken == "" {
		return sigv4.Credential{}, fmt.Errorf("%w: missing", sigv4.ErrBadSession)
	}
	secret, raw, lineage, expires, err := s.Minter.OpenRoleCredentials(accessKeyID, sessionToken, s.Now())
	switch {
	case errors.Is(err, token.ErrExpired):
		return sigv4.Credential{}, fmt.Errorf("%w: %w", sigv4.ErrExpired, err)
	case errors.Is(err, token.ErrInvalid):
		return sigv4.Credential{}, fmt.Errorf("%w: %w", sigv4.ErrBadSession, err)
	case err != nil:
		return sigv4.Credential{}, err
	}
	var caller *Caller
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		caller, err = s.sessionOwner(tx, raw, lineage)
		return err
	})
	if err != nil {
		return sigv4.Credential{}, err
	}
	caller.AccessKeyID, caller.ExpiresAt = accessKeyID, expires
	return sigv4.Credential{
		AccessKeyID: accessKeyID, SecretAccessKey: secret, Version: digest([]byte(sessionToken)), Principal: caller,
	}, nil
}

// sessionOwner builds the caller of a role session from its claims and the role's record. Whom it acts for must be enabled.
func (s *Server) sessionOwner(tx *store.Tx, raw []byte, lineage token.Session) (*Caller, error) {
	claims, err := decodeClaims(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", sigv4.ErrBadSession, err)
	}
	limits, err := unpackLimits(claims.Limits)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", sigv4.ErrBadSession, err)
	}
	role, why, err := liveRole(tx, claims.Account, claims.Role, claims.RoleID, lineage)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return nil, fmt.Errorf("%w: %s", sigv4.ErrBadSession, why)
	}
	c := ofRole(role, claims.Session)
	c.IssuedAt, c.Session = time.Unix(claims.IssuedAt, 0).UTC(), lineage
	c.SourceIdentity, c.ContextProvider = claims.SourceIdentity, claims.Provider
	c.Tags, c.TransitiveTags, c.SessionPolicyARNs = limits.Tags, limits.Transitive, limits.PolicyARNs
	if limits.Policy != "" {
		c.SessionPolicies = []string{limits.Policy}
	}
	c.HasSession = len(c.SessionPolicies)+len(c.SessionPolicyARNs) > 0
	if claims.User != nil {
		c.OnBehalfOf = claims.User.context(lineage)
		if why, err := s.absentUser(tx, c.OnBehalfOf); err != nil {
			return nil, err
		} else if why != "" {
			return nil, fmt.Errorf("%w: %s", sigv4.ErrBadSession, why)
		}
	}
	return c, nil
}

// liveRole returns the role a session was made for, or why there is none any more.
func liveRole(tx *store.Tx, account, name, id string, lineage token.Session) (role Role, why string, err error) {
	if ok, err := present(GetAccount(tx, account)); err != nil {
		return role, "", err
	} else if !ok {
		return role, "its account is gone", nil
	}
	role, ok, err := existing(GetRole(tx, account, name))
	if err != nil {
		return role, "", err
	}
	if !ok || role.ID != id {
		return role, "its role is gone", nil
	}
	by, revoked, err := token.Revoked(tx, lineage)
	if err != nil {
		return role, "", err
	}
	if revoked {
		return role, "session " + by + " is revoked", nil
	}
	return role, "", nil
}
