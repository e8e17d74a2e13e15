// GraphQL roots about the account: user, organization, company selector, profiles. Shapes only; the facts come from
// the state.

import { hashText } from '../random.ts';
import type { Account, Organization } from './model.ts';
import type { Scope } from './scope.ts';
import { platformTime } from './scope.ts';

/** `user`: the person behind the token, whatever the tenant header says. */
export function user(_args: unknown, { account }: Scope): object {
  return {
    ...genericUser(account),
    email: account.email,
    freelancerProfile: () => freelancerProfile(account),
    talentProfile: () => talentProfileOf(account),
  };
}

/** `organization`: the one of the tenant header, else the personal one. */
export function organization(_args: unknown, scope: Scope): object {
  return genericOrganization(scope.organization);
}

/** `companySelector`: every organization the user may act for. */
export function companySelector(_args: unknown, { account }: Scope): object {
  const items = account.organizations.map(({ id, name, kind }) => ({
    title: name,
    photoUrl: null,
    organizationId: id,
    organizationRid: String(hashText(id)),
    organizationType: kind === 'personal' ? 'SoleProprietor' : 'Business',
    organizationLegacyType: kind === 'client' ? 'Client' : 'Vendor',
    organizationEnterpriseType: null,
    legacyEnterpriseOrganization: false,
    typeTitle: kind === 'personal' ? 'Freelancer' : kind === 'agency' ? 'Agency' : 'Client',
  }));
  return { items };
}

/** `talentProfile(personId)`: accounts of this simulator only. */
export function talentProfile({ personId }: { personId: string }, { state }: Scope): object {
  const account = state.accounts.get(personId);
  return { profiles: account === undefined ? [] : [talentProfileOf(account)] };
}

export function genericUser(account: Account): object {
  const { id, nid, rid, profile } = account;
  const name = `${profile.firstName} ${profile.lastName}`;
  return { id, nid, rid, name, photoUrl: null, publicUrl: profile.profileUrl, ciphertext: `~01${id}` };
}

export function genericOrganization({ id, name, kind }: Organization): object {
  return {
    id,
    rid: String(hashText(id)),
    legacyId: String(hashText(id)),
    name,
    type: kind === 'personal' ? 'SOLE_PROPRIETOR' : 'BUSINESS',
    legacyType: kind === 'client' ? 'CLIENT' : 'VENDOR',
    flag: {
      client: kind === 'client',
      vendor: kind !== 'client',
      agency: kind === 'agency',
      individual: kind === 'personal',
    },
    active: true,
    hidden: false,
    photoUrl: null,
    creationDate: '2021-03-04T10:00:00+0000',
  };
}

function personalData({ profile }: Account): object {
  const { firstName, lastName, title, description, chargeRate, profileUrl } = profile;
  return {
    firstName,
    lastName,
    title,
    description,
    chargeRate,
    profileUrl,
    portrait: null,
    workPhone: null,
    profileState: 'ACCEPTED',
  };
}

function freelancerProfile(account: Account): object {
  const { profile } = account;
  return {
    userDetails: genericUser(account),
    personalData: personalData(account),
    employmentRecords: [],
    availability: {
      id: '1',
      user: genericUser(account),
      capacity: 'fullTime',
      availabilityDateTime: null,
      name: 'More than 30 hrs/week',
      createdDateTime: '2021-03-04T10:00:00+0000',
    },
    skills: {
      edges: profile.skills.map((skill) => {
        const id = String(hashText(skill));
        return { node: { id, ontologyId: `upworkOntology:${id}`, preferredLabel: skill, prettyName: skill } };
      }),
    },
    aggregates: aggregates(account),
    jobCategories: { edges: [] },
    profileCompletenessSummary: null,
    verifications: { idVerified: true, webcamVerified: false, idBadgeStatus: 'VERIFIED' },
    fullName: `${profile.firstName} ${profile.lastName}`,
    firstName: profile.firstName,
    lastName: profile.lastName,
    countryDetails: {
      id: '1',
      name: profile.country,
      twoLetterAbbreviation: profile.countryCode,
      region: 'OTHER',
      active: true,
    },
    portrait: null,
  };
}

function aggregates({ profile }: Account): object {
  const { totalEarnings, lastActivityAt, ...facts } = profile;
  return {
    ...facts,
    totalEarnings,
    totalRevenue: totalEarnings,
    totalHoursActual: profile.totalHours,
    adjustedFeedbackScore: profile.totalFeedback,
    billedContracts: profile.totalHourlyJobs + profile.totalFixedJobs,
    lastActivityDateTime: lastActivityAt === null ? null : platformTime(lastActivityAt),
  };
}

function talentProfileOf(account: Account): object {
  const { profile } = account;
  const { totalHourlyJobs, totalFixedJobs, topRatedStatus, totalFeedback } = profile;
  return {
    personId: account.id,
    personalData: personalData(account),
    profileAggregates: {
      lastWorkedOn: profile.lastActivityAt === null ? null : platformTime(profile.lastActivityAt),
      totalHourlyJobs,
      totalFixedJobs,
      topRatedStatus,
      totalFeedback,
      totalEarnings: profile.totalEarnings === null ? null : Number(profile.totalEarnings.rawValue),
      totalJobs: totalHourlyJobs + totalFixedJobs,
    },
  };
}
