package config

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cutover/internal/engine"
)

func TestWorkerDefaults(t *testing.T) {
	t.Parallel()
	w, err := WorkerFromEnv(environment())
	require.NoError(t, err)
	require.Equal(t, Worker{
		Credentials: "credentials.yaml", AdobeIMSURL: "https://ims-na1.adobelogin.com", AdobeURL: "https://platform.adobe.io",
		PinterestURL: "https://api.pinterest.com", AdobeRPS: 40, HealthAddress: "127.0.0.1:8081",
		Notices: "./notices", Reports: "./reports", LogLevel: "info",
		StoreURL: "sqlite:cutover.db", StoreKeys: "cutover-keys.json", LinkLifetime: 72 * time.Hour,
	}, w)
}

func TestWorkerReadsEveryVariable(t *testing.T) {
	t.Parallel()
	w, err := WorkerFromEnv(environment(
		EnvCredentials, "/run/secrets/credentials.yaml", EnvAdobeIMSURL, "http://emulator:8480", EnvAdobeURL, "http://emulator:8480/",
		EnvPinterestURL, "http://emulator:8480", EnvAllowPlain, "1", EnvAdobeRPS, "2.5", EnvHealthAddress, ":9000",
		EnvNotices, "/n", EnvReports, "/r", EnvLogFormat, "json", EnvLogLevel, "debug",
		EnvStoreURL, "postgres://u:"+canary+"@db/cutover", EnvStoreKeys, "/k", EnvStoreKMS, "awskms:///alias/cutover", EnvPinterestApp, "/a.yaml",
		EnvPortalURL, "http://portal:8082/", EnvLinkLifetime, "24h", engine.EnvCodecKeys, "/c", engine.EnvCodecKMS, "awskms:///alias/codec",
		EnvCodecAddress, ":8083", EnvCodecOrigins, "https://temporal.acme.example/, http://127.0.0.1:8233", EnvCodecToken, "/t"))
	require.NoError(t, err)
	require.Equal(t, Worker{
		Credentials: "/run/secrets/credentials.yaml", AdobeIMSURL: "http://emulator:8480", AdobeURL: "http://emulator:8480/",
		PinterestURL: "http://emulator:8480", AllowPlainHTTP: true, AdobeRPS: 2.5, HealthAddress: ":9000",
		Notices: "/n", Reports: "/r", LogFormat: "json", LogLevel: "debug",
		StoreURL: "postgres://u:" + canary + "@db/cutover", StoreKeys: "/k", StoreKMS: "awskms:///alias/cutover", PinterestApp: "/a.yaml",
		PortalURL: "http://portal:8082", LinkLifetime: 24 * time.Hour, CodecKeys: "/c", CodecKMS: "awskms:///alias/codec", CodecAddress: ":8083",
		CodecOrigins: []string{"https://temporal.acme.example", "http://127.0.0.1:8233"}, CodecToken: "/t",
	}, w)
	require.Equal(t, canary, w.Password())
	require.Equal(t, canary, Worker{StoreURL: "postgres://db.acme.example/cutover?password=" + canary}.Password(), "also where the URL has it elsewhere")
}

func TestWorkerTellsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	_, err := WorkerFromEnv(environment(
		EnvAdobeIMSURL, "https://user:"+canary+"@ims.example", EnvAdobeURL, "http://platform.adobe.io",
		EnvPinterestURL, "https://api.pinterest.com/?token="+canary, EnvAllowPlain, "yes", EnvAdobeRPS, "fast", EnvHealthAddress, "8081",
		EnvLogFormat, "xml", EnvLogLevel, "loud", EnvStoreURL, "mysql://u:"+canary+"@db", EnvPortalURL, "https://reconnect.acme.example/"+canary,
		EnvLinkLifetime, "forever", engine.EnvCodecKMS, "awskms:///"+canary, EnvCodecOrigins, "https://a.example/"+canary, EnvCodecToken, "/t"))
	require.Error(t, err)
	require.Equal(t, []string{
		"CUTOVER_ADOBE_IMS_URL must not hold a user or a password",
		`CUTOVER_ADOBE_RPS is "fast"; it must be a number above 0 and up to 10000`,
		"CUTOVER_ADOBE_URL must use https: credentials travel there (a rehearsal may set CUTOVER_ALLOW_PLAIN_HTTP=1)",
		"CUTOVER_ALLOW_PLAIN_HTTP must be 1 or 0",
		"CUTOVER_CODEC_ADDRESS is missing: CUTOVER_CODEC_ORIGINS and CUTOVER_CODEC_TOKEN belong to the endpoint there",
		"CUTOVER_CODEC_KMS is given without CUTOVER_CODEC_KEYS: there is nothing to open",
		"CUTOVER_CODEC_ORIGINS must be origins such as https://temporal.acme.example, separated by commas",
		`CUTOVER_HEALTH_ADDRESS is "8081"; it must be HOST:PORT such as 127.0.0.1:8081`,
		`CUTOVER_LINK_LIFETIME is "forever"; it must be a duration from 10m to 720h`,
		`CUTOVER_LOG_FORMAT is "xml"; it must be json or console`,
		`CUTOVER_LOG_LEVEL is "loud"; it must be debug, info, warn or error`,
		"CUTOVER_PINTEREST_URL must not hold a query or a fragment",
		"CUTOVER_PORTAL_URL must be a scheme and a host alone, such as https://reconnect.acme.example",
		"CUTOVER_STORE_URL must begin with sqlite: or postgres://, such as sqlite:cutover.db",
	}, strings.Split(err.Error(), "\n"))
}

func TestWorkerURLs(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"https://platform.adobe.io": true, "https://platform.adobe.io/base": true, "http://127.0.0.1:8480": true, "http://[::1]:8480": true,
		"http://localhost:1": true, "http://LOCALHOST": true, "http://127.0.0.1.evil.example": false, "http://emulator:8480": false,
		"platform.adobe.io": false, "/path": false, "ftp://platform.adobe.io": false, "https://": false, "https://:80": false, "://": false,
		"https://a/#f": false, "https://a/?": false,
	} {
		_, err := WorkerFromEnv(environment(EnvAdobeURL, url))
		require.Equal(t, ok, err == nil, "%s: %v", url, err)
	}
	for rps, ok := range map[string]bool{"0": false, "-1": false, "NaN": false, "Inf": false, "1e9": false, "0.5": true, "50": true} {
		_, err := WorkerFromEnv(environment(EnvAdobeRPS, rps))
		require.Equal(t, ok, err == nil, rps)
	}
}

// Whoever reaches the codec endpoint reads everything, so that it is open to this machine or asks for a token.
func TestWorkerGuardsTheCodecEndpoint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vars []string
		want string
	}{
		"here":                {[]string{engine.EnvCodecKeys, "/c", EnvCodecAddress, "127.0.0.1:8083"}, ""},
		"everywhere":          {[]string{engine.EnvCodecKeys, "/c", EnvCodecAddress, ":8083"}, "CUTOVER_CODEC_TOKEN is missing"},
		"everywhere by token": {[]string{engine.EnvCodecKeys, "/c", EnvCodecAddress, ":8083", EnvCodecToken, "/t"}, ""},
		"no keys":             {[]string{EnvCodecAddress, "127.0.0.1:8083"}, "CUTOVER_CODEC_ADDRESS is given without CUTOVER_CODEC_KEYS"},
		"no port":             {[]string{engine.EnvCodecKeys, "/c", EnvCodecAddress, "127.0.0.1"}, "must be HOST:PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := WorkerFromEnv(environment(c.vars...))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestCodecToken(t *testing.T) {
	t.Parallel()
	token, err := ReadCodecToken(put(t, "token", canary+canary+"\n", 0o600))
	require.NoError(t, err)
	require.Equal(t, canary+canary, token)
	for want, path := range map[string]string{
		"CUTOVER_CODEC_TOKEN: no file at": "absent",
		"can be read by others":           put(t, "token", canary+canary, 0o644),
		"shorter than 16 characters":      put(t, "token", "123", 0o600),
		"is empty":                        put(t, "token", "\n", 0o600),
	} {
		_, err := ReadCodecToken(path)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), canary)
	}
}
