package iam

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// The constraints of IAM's service model, for records that do not arrive through its API (which is validated by wire).

var (
	namePattern       = wire.NewPattern(`^[\w+=,.@-]+$`)
	pathPattern       = wire.NewPattern(`^/(?:[!-~]+/)?$`)
	policyPathPattern = wire.NewPattern(`^(?:/[A-Za-z0-9.,+@=_-]+)*/$`)
	documentPattern   = wire.NewPattern(`^[\t\n\r -ÿ]+$`)
	tagKeyPattern     = wire.NewPattern(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`)
	tagValuePattern   = wire.NewPattern(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	accessKeyPattern  = wire.NewPattern(`^AKIA[A-Z0-9]{12,}$`)
)

const (
	maxUserName   = 64
	maxRoleName   = 64
	maxPolicyName = 128
	maxPath       = 512
	maxDocument   = 131072
	maxTags       = 50
)

// constraint is AWS's sentence for a member that breaks its model.
func constraint(member, value, must string) *wire.Error {
	return validationError("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, member, must)
}

func checkName(member, name string, longest int) error {
	switch {
	case name == "":
		return constraint(member, name, "have length greater than or equal to 1")
	case len(name) > longest:
		return constraint(member, name, fmt.Sprintf("have length less than or equal to %d", longest))
	case !namePattern.MatchString(name):
		return constraint(member, name, `satisfy regular expression pattern: [\w+=,.@-]+`)
	}
	return nil
}

func checkPath(path string, pattern *wire.Pattern) error {
	switch {
	case len(path) > maxPath:
		return constraint("path", path, fmt.Sprintf("have length less than or equal to %d", maxPath))
	case !pattern.MatchString(path):
		return constraint("path", path, "begin and end with / and contain only printable characters")
	}
	return nil
}

func checkAccountID(id string) error {
	if !isAccountID(id) {
		return constraint("accountId", id, `satisfy regular expression pattern: \d{12}`)
	}
	return nil
}

// checkAccount says that an entity's account must be in our records.
func checkAccount(tx *store.Tx, id string) error {
	if err := checkAccountID(id); err != nil {
		return err
	}
	if _, err := GetAccount(tx, id); errors.Is(err, store.ErrNotFound) {
		return noSuchEntity("The account %s cannot be found.", id)
	} else if err != nil {
		return err
	}
	return nil
}

func checkDescription(s string) error {
	if utf8.RuneCountInString(s) > 1000 {
		return constraint("description", s[:20]+"…", "have length less than or equal to 1000")
	}
	return nil
}

// checkDocument parses a policy document in the kind it will be used in.
func checkDocument(kind policy.Kind, name, document string) error {
	switch {
	case document == "" || len(document) > maxDocument:
		return constraint("policyDocument", name, fmt.Sprintf("have length between 1 and %d", maxDocument))
	case !documentPattern.MatchString(document):
		return constraint("policyDocument", name, `satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`)
	}
	if _, err := policy.Parse(kind, name, []byte(document)); err != nil {
		return malformedPolicy(err)
	}
	return nil
}

func checkInline(inline map[string]string) error {
	for _, name := range sortedKeys(inline) {
		if err := checkName("policyName", name, maxPolicyName); err != nil {
			return err
		}
		if err := checkDocument(policy.Identity, name, inline[name]); err != nil {
			return err
		}
	}
	return nil
}

// checkManaged says that every ARN names a managed policy the account can attach: its own or a built-in one.
func checkManaged(tx *store.Tx, account, boundary string, attached []string) error {
	if boundary != "" {
		if _, err := managedDocument(tx, account, boundary); errors.Is(err, store.ErrNotFound) {
			return noSuchEntity("Scope ARN: %s does not exist or is not attachable.", boundary)
		} else if err != nil {
			return err
		}
	}
	seen := make(map[string]bool, len(attached))
	for _, arn := range attached {
		if seen[arn] {
			return validationError("Policy %s is attached twice.", arn)
		}
		seen[arn] = true
		if _, err := managedDocument(tx, account, arn); errors.Is(err, store.ErrNotFound) {
			return noSuchEntity("Policy %s does not exist or is not attachable.", arn)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// checkTags: keys are unique without regard to case, and the prefix aws: is AWS's own (IAM User Guide, "Tags for IAM resources").
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return validationError("The number of tags has reached the maximum limit of %d.", maxTags)
	}
	seen := make(map[string]bool, len(tags))
	for _, key := range sortedKeys(tags) {
		if err := checkTag(key, tags[key]); err != nil {
			return err
		}
		folded := strings.ToLower(key)
		if seen[folded] {
			return errDuplicateTag()
		}
		seen[folded] = true
	}
	return nil
}

func errDuplicateTag() *wire.Error {
	return validationError("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
}

func checkTag(key, value string) error {
	switch {
	case key == "" || utf8.RuneCountInString(key) > 128 || !tagKeyPattern.MatchString(key):
		return constraint("tags.key", key, `have length between 1 and 128 and satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`)
	case utf8.RuneCountInString(value) > 256 || !tagValuePattern.MatchString(value):
		return constraint("tags.value", value, `have length between 0 and 256 and satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`)
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return validationError("System tags with a prefix of 'aws' cannot be set.")
	}
	return nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
