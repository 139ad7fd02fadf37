package ssoadmin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/symbolon/symbolon/internal/store"
)

// clientTokenLife is how long the answer to a ClientToken is remembered.
const clientTokenLife = 24 * time.Hour

// clientToken remembers what a create answered, so that a client that lost the answer may ask again.
type clientToken struct {
	AccountID   string    `store:"account_id,key"`
	Operation   string    `store:"operation,key"`
	Token       string    `store:"client_token,key"`
	RequestHash string    `store:"request_sha256"`
	ResultARN   string    `store:"result_arn"`
	ExpiresAt   time.Time `store:"expires_at,expiry"`
}

var clientTokens = store.NewTable[clientToken](store.Spec{Name: "ssoadmin_client_tokens"})

// once runs create and remembers the ARN it returns under the ClientToken, in the same transaction. The same token with
// the same parameters gets the same ARN again, with others a ConflictException. params is the input without its token.
func once(ctx context.Context, tx *store.Tx, operation string, token *string, params any, create func() (string, error)) (string, error) {
	if token == nil {
		return create()
	}
	account, err := callerAccount(ctx)
	if err != nil {
		return "", err
	}
	hash, err := requestHash(params)
	if err != nil {
		return "", err
	}
	before, err := clientTokens.Get(tx, account, operation, *token)
	switch {
	case err == nil && before.RequestHash == hash:
		return before.ResultARN, nil
	case err == nil:
		return "", conflict("ClientToken %s was used with other parameters", *token)
	case !errors.Is(err, store.ErrNotFound):
		return "", err
	}
	arn, err := create()
	if err != nil {
		return "", err
	}
	return arn, clientTokens.Insert(tx, clientToken{
		AccountID: account, Operation: operation, Token: *token,
		RequestHash: hash, ResultARN: arn, ExpiresAt: tx.Now().Add(clientTokenLife),
	})
}

func requestHash(params any) (string, error) {
	text, err := json.Marshal(params, json.Deterministic(true))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
