package store

import (
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/s3blob"    // s3://
)

// schemes are the buckets that are built in. The driver for gs:// takes two minutes of processor time to build, three times as much as s3://.
var schemes = []string{"s3", "azblob"}

// answerOf is what a vendor answered: its own code and the HTTP status, empty and 0 where there was no answer.
func answerOf(err error) (code string, status int) {
	if azure, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return azure.ErrorCode, azure.StatusCode
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = answer.HTTPStatusCode()
	}
	if aws, ok := errors.AsType[smithy.APIError](err); ok {
		code = aws.ErrorCode()
	}
	return code, status
}

// withoutCredentials tells whether a request could not even be signed: the last place to look for credentials, the machine's own, has none.
func withoutCredentials(err error) bool {
	for op, ok := errors.AsType[*smithy.OperationError](err); ok; op, ok = errors.AsType[*smithy.OperationError](op.Err) {
		if op.ServiceID == "ec2imds" {
			return true
		}
	}
	return false
}
