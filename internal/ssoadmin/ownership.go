package ssoadmin

import (
	"context"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/store"
)

// callerAccount is the account the call is made from. Nothing of this room is served to a call without a caller.
func callerAccount(ctx context.Context) (string, error) {
	c := iam.CallerFrom(ctx)
	if c == nil || c.AccountID == "" {
		return "", accessDenied("The request has no authenticated caller", "no caller in the call")
	}
	return c.AccountID, nil
}

// ownedInstance returns an instance that the caller's account owns.
func ownedInstance(ctx context.Context, tx *store.Tx, arn string) (Instance, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return Instance{}, err
	}
	i, err := GetInstance(tx, arn)
	if err != nil {
		return Instance{}, orMissing(err, "Instance", arn)
	}
	if i.OwnerAccountID != account {
		return Instance{}, missing("Instance", arn, "account "+account+" does not own the instance")
	}
	return i, nil
}

// visibleApplication returns an application with its instance, when the caller's account owns either of them.
func visibleApplication(ctx context.Context, tx *store.Tx, arn string) (Application, Instance, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return Application{}, Instance{}, err
	}
	a, err := GetApplication(tx, arn)
	if err != nil {
		return Application{}, Instance{}, orMissing(err, "Application", arn)
	}
	i, err := GetInstance(tx, a.InstanceARN)
	if err := ignoreMissing(err); err != nil {
		return Application{}, Instance{}, err
	}
	if err != nil || a.AccountID != account && i.OwnerAccountID != account {
		return Application{}, Instance{}, missing("Application", arn, "account "+account+" owns neither the application nor its instance")
	}
	return a, i, nil
}

// visibleIssuer returns a trusted token issuer of an instance that the caller's account owns.
func visibleIssuer(ctx context.Context, tx *store.Tx, arn string) (TrustedTokenIssuer, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return TrustedTokenIssuer{}, err
	}
	t, err := GetTrustedTokenIssuer(tx, arn)
	if err != nil {
		return TrustedTokenIssuer{}, orMissing(err, "Trusted token issuer", arn)
	}
	i, err := GetInstance(tx, t.InstanceARN)
	if err := ignoreMissing(err); err != nil {
		return TrustedTokenIssuer{}, err
	}
	if err != nil || i.OwnerAccountID != account {
		return TrustedTokenIssuer{}, missing("Trusted token issuer", arn, "account "+account+" does not own the instance")
	}
	return t, nil
}
