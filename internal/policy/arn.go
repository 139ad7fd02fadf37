package policy

import "strings"

// arn is an ARN cut at its first five colons; the sixth part keeps its colons and slashes.
type arn struct {
	partition, service, region, account, resource string
}

// parseARN cuts s structurally. It judges neither the parts' characters nor their existence.
func parseARN(s string) (a arn, ok bool) {
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok {
		return arn{}, false
	}
	for _, part := range []*string{&a.partition, &a.service, &a.region, &a.account} {
		*part, rest, ok = strings.Cut(rest, ":")
		if !ok {
			return arn{}, false
		}
	}
	a.resource = rest
	return a, true
}

func validPartition(s string) bool {
	switch s {
	case "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc":
		return true
	}
	return false
}

func validAccount(s string) bool { return len(s) == 12 && allOf(s, isDigit) }

// validName judges user, role and session names: 1 to 64 of [\w+=,.@-] (IAM User Guide, "IAM and AWS STS quotas").
func validName(s string) bool { return len(s) >= 1 && len(s) <= 64 && allOf(s, isNameByte) }

// validPathAndName judges what follows "user/" or "role/": an optional path of printable ASCII and a name.
func validPathAndName(s string) bool {
	cut := strings.LastIndexByte(s, '/')
	if cut < 0 {
		return validName(s)
	}
	path := s[:cut]
	printable := allOf(path, func(c byte) bool { return c > 0x20 && c < 0x7f && c != '*' && c != '?' })
	return len(path) <= 510 && printable && validName(s[cut+1:])
}

func allOf(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlphanumeric(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

func isNameByte(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("_+=,.@-", c) >= 0 }
