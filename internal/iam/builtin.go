package iam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/symbolon/symbolon/internal/policy"
)

// AdministratorAccess allows everything.
const AdministratorAccess = "arn:aws:iam::aws:policy/AdministratorAccess"

// IdentityContextProvider is the one context provider AssumeRole knows.
const IdentityContextProvider = "arn:aws:iam::aws:contextProvider/IdentityCenter"

// identityContextPolicy is what AWS calls the allow list of identity-enhanced sessions.
const identityContextPolicy = "arn:aws:iam::aws:policy/AWSIAMIdentityCenterAllowListForIdentityContext"

// builtin are the managed policies that every account has without a row. They carry AWS's names and grant, within the services we
// serve, what AWS's grant; actions of other services in them are for the peers that ask us who a caller is.
var builtin = map[string]string{
	AdministratorAccess: allow("*"),
	"arn:aws:iam::aws:policy/PowerUserAccess": `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},` +
		`{"Effect":"Allow","Action":["iam:ListRoles","organizations:DescribeOrganization"],"Resource":"*"}]}`,
	"arn:aws:iam::aws:policy/ReadOnlyAccess": allow(
		"iam:Get*", "iam:List*", "iam:Simulate*", "identitystore:Describe*", "identitystore:Get*", "identitystore:List*",
		"identitystore:IsMemberInGroups", "sso:Describe*", "sso:Get*", "sso:List*", "sso:Search*", "sso-directory:Describe*",
		"sso-directory:Get*", "sso-directory:List*", "sso-directory:Search*", "sts:GetAccessKeyInfo", "sts:GetCallerIdentity"),
	"arn:aws:iam::aws:policy/IAMFullAccess":     allow("iam:*"),
	"arn:aws:iam::aws:policy/IAMReadOnlyAccess": allow("iam:Get*", "iam:List*", "iam:Simulate*"),
	"arn:aws:iam::aws:policy/AWSSSOMasterAccountAdministrator": allow(
		"sso:*", "sso-directory:*", "identitystore:*", "iam:ListPolicies", "organizations:Describe*", "organizations:List*"),
	"arn:aws:iam::aws:policy/AWSSSOMemberAccountAdministrator": allow(
		"sso:*", "sso-directory:*", "identitystore:*", "iam:ListPolicies", "organizations:Describe*", "organizations:List*"),
	"arn:aws:iam::aws:policy/AWSSSOReadOnly": allow("sso:Describe*", "sso:Get*", "sso:List*", "sso:Search*"),
	"arn:aws:iam::aws:policy/AWSSSODirectoryAdministrator": allow(
		"sso-directory:*", "identitystore:*", "sso:ListDirectoryAssociations"),
	"arn:aws:iam::aws:policy/AWSSSODirectoryReadOnly": allow(
		"sso-directory:Describe*", "sso-directory:Get*", "sso-directory:List*", "sso-directory:Search*",
		"identitystore:Describe*", "identitystore:Get*", "identitystore:List*", "identitystore:IsMemberInGroups"),
	identityContextPolicy: denyAllBut(identityContextActions),
}

func allow(actions ...string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}]}`
}

// denyAllBut is a policy that takes every other action away and gives none.
func denyAllBut(actions []string) string {
	list, err := json.Marshal(actions)
	if err != nil {
		list = []byte(`[]`) // a NotAction of nothing does not parse, and so denies
	}
	return `{"Version":"2012-10-17","Statement":[{"Sid":"IdentityContextAllowList","Effect":"Deny","NotAction":` + string(list) + `,"Resource":"*"}]}`
}

// CheckIdentityContextActions says what is wrong with a list for Server.IdentityContextActions, so that it can be refused at start. With a
// wrong one in force every identity-enhanced session is denied everything.
func CheckIdentityContextActions(actions []string) error {
	if len(actions) == 0 {
		return nil
	}
	_, err := policy.Parse(policy.Identity, identityContextPolicy, []byte(denyAllBut(actions)))
	return err
}

// identityContextGuard is the allow list as this server is configured.
func (s *Server) identityContextGuard() (*policy.Policy, error) {
	s.guardOnce.Do(func() {
		actions := s.IdentityContextActions
		if len(actions) == 0 {
			actions = identityContextActions
		}
		if s.guard, s.guardErr = policy.Parse(policy.Identity, identityContextPolicy, []byte(denyAllBut(actions))); s.guardErr != nil {
			s.guardErr = fmt.Errorf("the list of actions for identity-enhanced sessions: %w", s.guardErr)
		}
	})
	return s.guard, s.guardErr
}

// identityContextActions are the actions AWS's list of 2024-10-01 leaves to identity-enhanced sessions, by service.
var identityContextActions = slices.Concat(
	of("aoss", "APIAccessAll"),
	of("athena", "BatchGetNamedQuery", "BatchGetPreparedStatement", "BatchGetQueryExecution", "CreateNamedQuery",
		"CreatePreparedStatement", "DeleteNamedQuery", "DeletePreparedStatement", "GetDataCatalog", "GetDatabase", "GetNamedQuery",
		"GetPreparedStatement", "GetQueryExecution", "GetQueryResults", "GetQueryResultsStream", "GetQueryRuntimeStatistics",
		"GetTableMetadata", "GetWorkGroup", "ListDataCatalogs", "ListDatabases", "ListNamedQueries", "ListPreparedStatements",
		"ListQueryExecutions", "ListTableMetadata", "ListWorkGroups", "StartQueryExecution", "StopQueryExecution", "UpdateNamedQuery",
		"UpdatePreparedStatement"),
	of("elasticmapreduce", "AddJobFlowSteps", "CancelSteps", "DescribeCluster", "DescribeStep", "GetClusterSessionCredentials",
		"ListSteps"),
	of("es", "ESHttpDelete", "ESHttpGet", "ESHttpHead", "ESHttpPatch", "ESHttpPost", "ESHttpPut"),
	of("glue", "BatchCreatePartition", "BatchDeletePartition", "BatchDeleteTable", "BatchGetPartition", "BatchUpdatePartition",
		"CreateDatabase", "CreatePartition", "CreateTable", "DeleteColumnStatisticsForPartition", "DeleteColumnStatisticsForTable",
		"DeleteDatabase", "DeletePartition", "DeleteTable", "GetColumnStatisticsForPartition", "GetColumnStatisticsForTable",
		"GetDatabase", "GetDatabases", "GetPartition", "GetPartitions", "GetTable", "GetTableVersions", "GetTables", "SearchTables",
		"UpdateColumnStatisticsForPartition", "UpdateColumnStatisticsForTable", "UpdateDatabase", "UpdatePartition", "UpdateTable"),
	of("lakeformation", "GetDataAccess"),
	of("q", "GetConversation", "GetTroubleshootingResults", "ListConversations", "SendMessage", "StartConversation",
		"StartTroubleshootingAnalysis", "StartTroubleshootingResolutionExplanation", "UpdateTroubleshootingCommandResult"),
	of("qapps", "AssociateLibraryItemReview", "AssociateQAppWithUser", "CopyQApp", "CreateLibraryItem", "CreateLibraryItemReview",
		"CreateQApp", "CreateSubscriptionToken", "DeleteQApp", "DisassociateLibraryItemReview", "DisassociateQAppFromUser",
		"ExportQAppSessionData", "GetLibraryItem", "GetQApp", "GetQAppSession", "GetQAppSessionMetadata", "ImportDocument",
		"ImportDocumentToQApp", "ImportDocumentToQAppSession", "ListLibraryItems", "ListQAppSessionData", "ListQApps",
		"PredictProblemStatementFromConversation", "PredictQApp", "PredictQAppFromProblemStatement", "StartQAppSession",
		"StopQAppSession", "TagResource", "UpdateLibraryItem", "UpdateQApp", "UpdateQAppSession", "UpdateQAppSessionMetadata"),
	of("qbusiness", "Chat", "ChatSync", "DeleteConversation", "ListConversations", "ListMessages", "PutFeedback"),
	of("s3", "GetAccessGrantsInstanceForPrefix", "GetDataAccess", "ListCallerAccessGrants"),
	of("sts", "SetContext"),
)

func of(service string, names ...string) []string {
	actions := make([]string, len(names))
	for i, name := range names {
		actions[i] = service + ":" + name
	}
	return actions
}
