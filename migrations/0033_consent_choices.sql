-- What a person chose beside allowing: which optional scopes they declined, and until when it counts (expires_at was there before).
-- And as what they knew the client: the hosts it led to, with its name where the client chose that itself. What has none is asked again.
ALTER TABLE consents
  ADD COLUMN declined jsonb NOT NULL DEFAULT '{"openid": [], "resources": {}}',
  ADD COLUMN known_as text[] NOT NULL DEFAULT '{}';

CREATE INDEX consents_expires_at ON consents (expires_at) WHERE expires_at IS NOT NULL;

-- Scopes as consents hold them, { openid: [scope], resources: { [resource]: [scope] } }: all of both.
CREATE FUNCTION consent_scopes_with(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object(
    'openid', (SELECT coalesce(jsonb_agg(DISTINCT scope), '[]')
      FROM jsonb_array_elements(coalesce(a -> 'openid', '[]') || coalesce(b -> 'openid', '[]')) AS scope),
    'resources', (SELECT coalesce(jsonb_object_agg(resource, scopes), '{}') FROM (
      SELECT resource, jsonb_agg(DISTINCT scope) AS scopes
      FROM (SELECT * FROM jsonb_each(coalesce(a -> 'resources', '{}'))
        UNION ALL SELECT * FROM jsonb_each(coalesce(b -> 'resources', '{}'))) AS both_sides (resource, list),
        jsonb_array_elements(list) AS scope
      GROUP BY resource) AS merged))
$$;

-- The same: those of a that are not in b.
CREATE FUNCTION consent_scopes_without(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object(
    'openid', (SELECT coalesce(jsonb_agg(scope), '[]') FROM jsonb_array_elements(coalesce(a -> 'openid', '[]')) AS scope
      WHERE NOT coalesce(b -> 'openid', '[]') @> jsonb_build_array(scope)),
    'resources', (SELECT coalesce(jsonb_object_agg(resource, scopes), '{}') FROM (
      SELECT resource, jsonb_agg(scope) AS scopes
      FROM jsonb_each(coalesce(a -> 'resources', '{}')) AS one (resource, list), jsonb_array_elements(list) AS scope
      WHERE NOT coalesce(b -> 'resources' -> resource, '[]') @> jsonb_build_array(scope)
      GROUP BY resource) AS kept))
$$;
