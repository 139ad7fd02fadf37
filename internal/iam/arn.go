package iam

import "strings"

// ARNs are taken apart by their structure and never matched by prefix or pattern: an assumed-role ARN is not a role ARN, and a name
// in one account says nothing about the same name in another.

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

func entityARN(account, kind, path, name string) string {
	return "arn:aws:iam::" + account + ":" + kind + path + name
}

// isEntity says whether arn is entityARN of the rest, without making it: every request asks.
func isEntity(arn, account, kind, path, name string) bool {
	ok := true
	for _, part := range [...]string{"arn:aws:iam::", account, ":", kind, path, name} {
		if arn, ok = strings.CutPrefix(arn, part); !ok {
			return false
		}
	}
	return arn == ""
}

func sessionARN(account, role, session string) string {
	return "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session
}

// entity is an IAM ARN taken apart.
type entity struct {
	account string // 12 digits, or "aws" for what AWS itself provides
	kind    string // root, user, role, policy
	path    string // "/" or "/a/b/"
	name    string
}

// parseEntity reads arn:aws:iam::ACCOUNT:KIND/PATH/NAME, or …:root.
func parseEntity(arn string) (entity, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] != "aws" || parts[2] != "iam" || parts[3] != "" {
		return entity{}, false
	}
	e := entity{account: parts[4]}
	if e.account != "aws" && !isAccountID(e.account) {
		return entity{}, false
	}
	if parts[5] == "root" {
		e.kind = "root"
		return e, true
	}
	kind, rest, ok := strings.Cut(parts[5], "/")
	if !ok {
		return entity{}, false
	}
	e.kind, e.path, e.name = kind, "/", rest
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		e.path, e.name = "/"+rest[:i+1], rest[i+1:]
	}
	return e, entityKinds[kind] && e.name != "" && !strings.Contains(e.name, ":")
}

var entityKinds = map[string]bool{"user": true, "role": true, "policy": true}

// parseSession reads arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION.
func parseSession(arn string) (account, role, session string, ok bool) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[1] != "aws" || parts[2] != "sts" || parts[3] != "" || !isAccountID(parts[4]) {
		return "", "", "", false
	}
	names := strings.Split(parts[5], "/")
	if len(names) != 3 || names[0] != "assumed-role" || names[1] == "" || names[2] == "" {
		return "", "", "", false
	}
	return parts[4], names[1], names[2], true
}

func isAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
