"""Which field of the profile a trait is, by its name: one table. What is made of its value is claims.py's."""

from __future__ import annotations

from functools import lru_cache

# Traits by their names without case, blanks, hyphens and underscores, as SDKs and forms spell them; what is in no table is custom.
_FIELDS = {
    "email": "email", "emailaddress": "email", "mail": "email",
    "phoneextension": "phone.extension", "phoneext": "phone.extension",
    "phonecountry": "phone.region", "phonecountrycode": "phone.region", "phoneregion": "phone.region", "phoneprefix": "phone.region",
    "dialcode": "phone.region", "dialingcode": "phone.region", "callingcode": "phone.region",
    "phone": "phone", "phonenumber": "phone", "telephone": "phone", "tel": "phone", "mobile": "phone", "mobilephone": "phone",
    "name": "name.full", "fullname": "name.full",
    "firstname": "name.given", "givenname": "name.given",
    "lastname": "name.family", "familyname": "name.family", "surname": "name.family",
    "salutation": "name.title", "nametitle": "name.title", "honorific": "name.title",
    "company": "company", "companyname": "company.name", "organization": "company.name", "organisation": "company.name",
    "companydomain": "company.website", "website": "company.website", "companywebsite": "company.website",
    "companysize": "company.size", "employees": "company.size", "employeecount": "company.size", "numberofemployees": "company.size",
    "industry": "company.industry",
    "title": "job.title", "jobtitle": "job.title", "position": "job.title",
    "seniority": "job.seniority", "joblevel": "job.seniority", "senioritylevel": "job.seniority",
    "department": "job.department", "jobdepartment": "job.department",
    "address": "address",
    "country": "country", "countrycode": "country", "region": "region", "state": "region", "city": "city",
    "postalcode": "postal_code", "zip": "postal_code", "zipcode": "postal_code", "postcode": "postal_code",
    "language": "language", "locale": "language", "timezone": "timezone",
}  # fmt: skip
_IN_COMPANY = {"name": "company.name", "domain": "company.website", "website": "company.website", "url": "company.website",
               "size": "company.size", "industry": "company.industry", "id": ""}  # fmt: skip


@lru_cache(maxsize=2_000)
def field_of(key: str) -> str | None:
    """The field that a trait is called like, or None for one of the form's own."""
    return _FIELDS.get(key.lower().replace("_", "").replace("-", "").replace(" ", ""))


def in_company(key: str) -> str | None:
    """The same within the trait `company`."""
    return _IN_COMPANY.get(key) or field_of(key)
