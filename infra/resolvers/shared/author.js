/**
 * Returns who AWS vouches for: a person's name, else the ARN of a user or a role; null for the API key.
 *
 * Whoever assumes a role chooses the name of the session, so that a role's ARN ends before it. Only for roles in
 * VERIFIED_ROLES (names, or beginnings with a star after them) of the API's own account is it a person's name. It
 * holds no colon, so that no name looks like an ARN.
 * @param {import('@aws-appsync/utils').Context} ctx
 */
export function authorOf(ctx) {
  const identity = /** @type {import('@aws-appsync/utils').AppSyncIdentityIAM | null} */ (ctx.identity);
  const arn = (identity ? identity.userArn : null) ?? null;
  if (arn === null || arn.split(':')[2] !== 'sts') {
    return arn;
  }
  const [kind, role, session] = arn.split('/');
  if (!session) {
    // A federated user, whose name the caller chose.
    return kind;
  }
  const isVerified = ctx.env.VERIFIED_ROLES.split(' ').some((name) =>
    name.endsWith('*') ? role.startsWith(name.slice(0, -1)) : role === name,
  );
  return isVerified && kind === `arn:aws:sts::${ctx.env.ACCOUNT}:assumed-role` ? session : `${kind}/${role}`;
}
